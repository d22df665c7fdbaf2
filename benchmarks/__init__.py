"""What rtc_widgets costs, beside the same work done without it: ``python -m benchmarks``; see docs/performance.md."""
