"""Whatever may come in from outside, fed to what takes it: from a corpus of files, or guided by coverage."""
