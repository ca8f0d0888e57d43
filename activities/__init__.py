"""Activities: validate, call the books or the outside, map errors. Thin; no rule lives here.

One that works in a thread says `no_thread_cancel_exception`: the SDK would raise in the middle of whatever runs there
when the server gives the attempt up, also between a lock that was taken and the line that gives it back."""
