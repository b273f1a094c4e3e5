"""What schemathesis cannot know of the contract: an idempotency key is used once.

The same key with another body is refused (422, idempotency_key_reused) although each request is
valid by itself; schemathesis would try one key with many bodies. Keys that are no UUID stay as they are.
"""

import re
import uuid

import schemathesis

KEY = "Idempotency-Key"
CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@schemathesis.hook
def before_call(context, case, kwargs):
    # A request that is meant to be wrong goes out as it was made.
    if case.meta is not None and not case.meta.generation.mode.is_positive:
        return
    held = (case.headers or {}).get(KEY)
    if isinstance(held, str) and CANONICAL.fullmatch(held):
        case.headers[KEY] = str(uuid.uuid4())
