// golang.org/x/mod is taken from the Go distribution itself, which carries it: tests/edges/test_log_go.py adds the
// lines `go` and `replace`. Nothing is downloaded.
module hearth.example/log-verify

require golang.org/x/mod v0.0.0
