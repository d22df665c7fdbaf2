"""PROVISIONAL."""


class RoomIndex:
    def __init__(self, path):
        pass

    async def rename(self, a, b):
        pass

    async def aclose(self):
        pass
