"""Rooms: the relay's documents, their logs and their peers, without a word of servers or sockets."""
