"""`python -m benchmarks.hl7_server PORT`: the `hl7` package's own MLLP server, as its documentation shows it.

It reads each message and creates the acknowledgement. It keeps nothing.
"""

from __future__ import annotations

import asyncio
import sys

from hl7.mllp import HL7StreamReader, HL7StreamWriter, start_hl7_server


async def converse(reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
    """One sender, until it hangs up."""
    try:
        while not writer.is_closing():
            message = await reader.readmessage()
            writer.writemessage(message.create_ack())
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(port: int) -> None:
    server = await start_hl7_server(
        converse, host="127.0.0.1", port=port, encoding="utf-8", backlog=1024
    )
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
