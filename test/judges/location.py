"""Where a table's metadata lies: what a catalog would know, found as readers without one do."""

import gzip
import json
import re

from pyarrow import fs

VERSION = re.compile(r"^v(\d+)(\.gz)?\.metadata\.json(\.gz)?$")


class Location:
    """One table, in a directory or under an S3 prefix."""

    def __init__(self, request):
        self.root = request["location"].rstrip("/")
        self.s3 = request.get("s3")
        self.given = request.get("metadataFile")
        if self.root.startswith("s3://"):
            self.files = fs.S3FileSystem(
                access_key=self.s3["accessKey"],
                secret_key=self.s3["secretKey"],
                region=self.s3["region"],
                endpoint_override=self.s3["endpoint"],
                force_virtual_addressing=False,
            )
        else:
            self.files = fs.LocalFileSystem()

    def read(self, path):
        # pyarrow's compression detection by suffix would unpack .gz; we look at the bytes instead.
        with self.files.open_input_stream(path.removeprefix("s3://"), compression=None) as stream:
            content = stream.read()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content

    def exists(self, path):
        return self.files.get_file_info(path.removeprefix("s3://")).type == fs.FileType.File

    def metadata_file(self):
        """The file that the caller named, or the newest: the hint's, then probed forward, as Java's HadoopTables does."""
        return self.given or self._from_hint() or self._newest_listed()

    def _from_hint(self):
        hint = f"{self.root}/metadata/version-hint.text"
        if not self.exists(hint):
            return None
        found, version = None, int(self.read(hint))
        while (path := self._version_file(version)) is not None:
            found, version = path, version + 1
        return found

    def _version_file(self, version):
        for suffix in ("metadata.json", "gz.metadata.json", "metadata.json.gz"):
            if self.exists(path := f"{self.root}/metadata/v{version}.{suffix}"):
                return path
        return None

    def _newest_listed(self):
        listing = self.files.get_file_info(fs.FileSelector(f"{self.root}/metadata".removeprefix("s3://")))
        versions = [(int(match[1]), info.base_name) for info in listing if (match := VERSION.match(info.base_name))]
        if not versions:
            raise FileNotFoundError(f"no version hint and no v*.metadata.json under {self.root}/metadata")
        return f"{self.root}/metadata/{max(versions)[1]}"

    def schema(self, snapshot_id=None):
        """The Iceberg schema that a read returns: the current one, or that of the snapshot."""
        metadata = json.loads(self.read(self.metadata_file()))
        wanted = metadata.get("current-schema-id")
        for snapshot in metadata.get("snapshots") or []:
            if snapshot_id is not None and snapshot["snapshot-id"] == int(snapshot_id):
                wanted = snapshot.get("schema-id", wanted)
        schemas = metadata.get("schemas") or [metadata["schema"]]  # `schema` alone is format v1
        return next((schema for schema in schemas if schema.get("schema-id") == wanted), schemas[-1])
