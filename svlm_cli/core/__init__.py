"""Types shared by every package: frames, chunks, segments, cues, policies and errors.

No torch, no disk, no network; imports no other package of svlm.
"""
