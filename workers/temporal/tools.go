//go:build tools

// Package temporal pins the Temporal CLI, whose dev server Duely embeds, as a build dependency.
package temporal

import _ "github.com/temporalio/cli/cmd/temporal"
