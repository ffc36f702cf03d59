"""Settings by environment: `local` (embedded defaults), `test`, `production`."""
