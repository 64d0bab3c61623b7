"""Mail from strangers: what it says, who it is really from, and what of it may go on paper.

`reading` and everything it imports runs in the box only; `envelope`, `origin` and `paper` in the service.
"""
