"""The routes of one workspace."""

import json

from azureml._werkbank.connection import PATIENCE_WAITING_S, encode_path


class WorkspaceClient(object):
    """Routes below /api/v1/workspaces/{workspace}; a path is a sequence of segments."""

    def __init__(self, server, workspace):
        self.server = server
        self.workspace = workspace

    def path(self, segments):
        return encode_path(("workspaces", self.workspace) + tuple(segments))

    def get(self, *segments, **query):
        return self.server.request("GET", self.path(segments), query=_clean(query)).json()

    def post(self, segments, body, query=None, headers=None, repeatable=None):
        return self.server.request(
            "POST", self.path(segments), query=query, body=body, headers=headers, repeatable=repeatable
        ).json()

    def put(self, segments, body):
        return self.server.request("PUT", self.path(segments), body=body).json()

    def patch(self, segments, body, query=None):
        return self.server.request("PATCH", self.path(segments), query=query, body=body).json()

    def delete(self, *segments, **query):
        self.server.request("DELETE", self.path(segments), query=_clean(query))

    def items(self, *segments, **query):
        """Every item of a list, page after page."""
        query = _clean(query)
        query.setdefault("limit", 200)
        while True:
            page = self.server.request("GET", self.path(segments), query=query).json()
            for item in page.get("items") or ():
                yield item
            if not page.get("next"):
                return
            query["cursor"] = page["next"]

    def file_segments(self, run_id, name):
        return ["runs", run_id, "files"] + [part for part in name.split("/") if part not in ("", ".")]

    def wait_for_change(self, run_id, revision, wait_s=60):
        """The run document, as soon as it is newer than `revision` or the time is over; the server is started again where it
        is gone."""
        return self.server.request(
            "GET",
            self.path(("runs", run_id)),
            query={"wait": wait_s, "revision": revision},
            patience_s=PATIENCE_WAITING_S,
            timeout_s=wait_s + 30.0,
        ).json()

    def follow(self, query, cursor=None, patience_s=PATIENCE_WAITING_S):
        """Live events as (name, data), for ever: a broken stream is taken up where it broke. The caller stops asking."""
        import http.client
        import time

        while True:
            headers = {"Accept": "text/event-stream"}
            if cursor:
                headers["Last-Event-ID"] = cursor
            response = self.server.open(
                self.path(("events",)), query=query, headers=headers, timeout_s=45.0, patience_s=patience_s
            )
            try:
                for name, data, identity in read_events(response):
                    if identity:
                        cursor = identity
                    yield name, json.loads(data)
            except (OSError, http.client.HTTPException):
                pass  # a comment comes every 15 seconds: silence means that the other side is gone
            finally:
                response.close()
                response.werkbank_connection.close()
            time.sleep(0.05)


def _clean(query):
    return {name: value for name, value in query.items() if value is not None}


def read_events(stream):
    """The events of a text/event-stream as (name, data, id)."""
    name, data, identity = "message", [], None
    while True:
        line = stream.readline()
        if not line:
            return
        line = line.decode("utf-8").rstrip("\r\n")
        if not line:
            if data:
                yield name, "\n".join(data), identity
            name, data, identity = "message", [], None
            continue
        field, _, value = line.partition(":")
        if value.startswith(" "):
            value = value[1:]
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            identity = value
