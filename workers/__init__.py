"""The wiring: settings, adapters, activities, worker, embedded Temporal server. Decides no business."""
