"""Bytes in the atlas folder: arrays, the records that commit them, seals, the lock."""
