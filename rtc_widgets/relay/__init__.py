"""The relay: a jupyter_server extension that holds the documents, keeps their files and links their kernels."""
