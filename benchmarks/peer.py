"""The reference peer: an event store as it is commonly written with FastAPI, SQLModel and Redis.

It is given every advantage: no login, no check of what is sent, no repeat recognised, files and
folders not synced, nothing delivered. `python peer.py` makes its table anew; `uvicorn peer:app` serves it.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, File, Form, UploadFile, WebSocket
from pydantic import BaseModel
from redis.asyncio import Redis
from sqlalchemy import JSON, Column, DateTime
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlmodel import Field, SQLModel

UPLOADS = Path(os.environ["PEER_UPLOADS"])
CHANNEL = "plate_events"
engine = create_async_engine(os.environ["PEER_DATABASE"], pool_size=10, max_overflow=10)
sessions = async_sessionmaker(engine, expire_on_commit=False)
redis = Redis.from_url(os.environ["PEER_REDIS"])
app = FastAPI()


class Reading(BaseModel):
    event_id: str
    plate: str = Field(min_length=1, max_length=16)
    confidence: float = Field(ge=0, le=1)
    camera: int
    captured_at: datetime
    vehicle: dict[str, Any] = {}
    tpms: list[dict[str, Any]] = []


class StoredEvent(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    event_id: str = Field(index=True, unique=True)
    plate: str = Field(index=True)
    confidence: float
    camera: int = Field(index=True)
    captured_at: datetime = Field(sa_column=Column(DateTime(timezone=True), index=True))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True)))
    vehicle: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    tpms: list[Any] = Field(default_factory=list, sa_column=Column(JSON))
    frame: str | None = None
    crop: str | None = None


class EventOut(Reading):
    id: int
    created_at: datetime
    frame: str | None
    crop: str | None


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]


async def keep(kind: str, file: UploadFile | None, now: datetime) -> str | None:
    if file is None:
        return None
    name = f"{now:%Y/%m/%d}/{uuid.uuid4().hex}-{kind}.jpg"
    path = UPLOADS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(await file.read())
    return f"/uploads/{name}"


@app.post("/api/v1/events/ingest", status_code=201)
async def ingest(
    session: Session,
    event: Annotated[str, Form()],
    frame: Annotated[UploadFile | None, File()] = None,
    crop: Annotated[UploadFile | None, File()] = None,
) -> EventOut:
    reading, now = Reading.model_validate_json(event), datetime.now(UTC)
    row = StoredEvent(
        **reading.model_dump(),
        created_at=now,
        frame=await keep("frame", frame, now),
        crop=await keep("crop", crop, now),
    )
    session.add(row)
    await session.commit()
    answer = EventOut(**row.model_dump())
    await redis.publish(CHANNEL, answer.model_dump_json())
    return answer


@app.websocket("/api/v1/events/stream")
async def stream(socket: WebSocket) -> None:
    await socket.accept()
    subscription = redis.pubsub()
    await subscription.subscribe(CHANNEL)
    async for message in subscription.listen():
        if message["type"] == "message":
            await socket.send_text(message["data"].decode())


async def make_table() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.drop_all)
        await connection.run_sync(SQLModel.metadata.create_all)


if __name__ == "__main__":
    asyncio.run(make_table())
