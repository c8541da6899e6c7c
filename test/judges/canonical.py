"""Arrow tables as the canonical JSON of the golden tables, the same whichever engine read them.

Plain JSON, except {long} beyond 2^53, {decimal}, {timestamp} (UTC, microseconds; nanoseconds only when there are any), {date}, {time},
{uuid}, {bytes} (base64), {float} (NaN and infinities), {map} (entries sorted by key). Engines disagree about Arrow types (a uuid is
16 bytes to one and text to the next), so the Iceberg schema of the table decides wherever it is known.
"""

import base64
import json
import math
import uuid

import numpy
import pyarrow

MAX_SAFE_INTEGER = 2**53 - 1
MAP_FIELDS = ("key", "value")


def rows_of(table, schema):
    """Rows of an Arrow table in the order of their JSON text. `schema` is an Iceberg struct, or None."""
    types = {field["name"]: field["type"] for field in schema["fields"]} if schema else {}
    columns = []
    for name, column in zip(table.column_names, table.columns):
        values = []
        for chunk in column.chunks:
            values.extend(encode(chunk, types.get(name)))
        columns.append(values)
    rows = [dict(zip(table.column_names, values)) for values in zip(*columns)]
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def encode(array, iceberg):
    """The values of one Arrow array. `iceberg` is the column's Iceberg type as metadata JSON has it, or None when unknown."""
    kind = array.type
    if isinstance(array, pyarrow.ExtensionArray):
        return encode(array.storage, "uuid" if str(kind) == "extension<arrow.uuid>" else iceberg)
    if pyarrow.types.is_dictionary(kind):
        return encode(array.dictionary_decode(), iceberg)
    if pyarrow.types.is_map(kind):
        return encode_map(array, iceberg)
    if pyarrow.types.is_nested(kind):
        return encode_struct(array, iceberg) if pyarrow.types.is_struct(kind) else encode_list(array, iceberg)
    convert = leaf(kind, iceberg)
    return [None if value is None else convert(value) for value in as_plain(array)]


def encode_struct(array, iceberg):
    types = {field["name"]: field["type"] for field in iceberg["fields"]} if isinstance(iceberg, dict) else {}
    names = [field.name for field in array.type]
    columns = [encode(child, types.get(name)) for name, child in zip(names, array.flatten())]
    valid = array.is_valid().to_pylist()
    return [{name: column[row] for name, column in zip(names, columns)} if valid[row] else None for row in range(len(array))]


def encode_list(array, iceberg):
    # DuckDB and polars hand maps over as lists of key-value structs.
    if isinstance(iceberg, dict) and iceberg["type"] == "map":
        pair = {"fields": [{"name": "key", "type": iceberg["key"]}, {"name": "value", "type": iceberg["value"]}]}
        entries = slices(array, encode_struct(renamed(array.values), pair))
        return [None if pairs is None else map_of([pair["key"], pair["value"]] for pair in pairs) for pairs in entries]
    element = iceberg["element"] if isinstance(iceberg, dict) and iceberg["type"] == "list" else None
    if pyarrow.types.is_fixed_size_list(array.type):
        array = array.cast(pyarrow.large_list(array.type.value_type))
    return slices(array, encode(array.values, element))


def encode_map(array, iceberg):
    known = isinstance(iceberg, dict) and iceberg["type"] == "map"
    keys = encode(array.keys, iceberg["key"] if known else None)
    values = encode(array.items, iceberg["value"] if known else None)
    pairs = slices(array, [list(pair) for pair in zip(keys, values)])
    return [None if entries is None else map_of(entries) for entries in pairs]


def renamed(structs):
    """The same structs with their two fields called key and value."""
    return pyarrow.StructArray.from_arrays(structs.flatten(), names=MAP_FIELDS)


def map_of(entries):
    return {"map": sorted(entries, key=lambda entry: json.dumps(entry, sort_keys=True))}


def slices(array, values):
    offsets = array.offsets.to_pylist()
    valid = array.is_valid().to_pylist()
    return [values[offsets[row] : offsets[row + 1]] if valid[row] else None for row in range(len(array))]


def as_plain(array):
    """Python values, temporal ones as integers: datetime ends at year 9999 and knows no nanoseconds."""
    kind = array.type
    if pyarrow.types.is_timestamp(kind) or pyarrow.types.is_time64(kind) or pyarrow.types.is_date64(kind):
        return array.cast(pyarrow.int64()).to_pylist()
    if pyarrow.types.is_date32(kind) or pyarrow.types.is_time32(kind):
        return array.cast(pyarrow.int32()).to_pylist()
    return array.to_pylist()


def leaf(kind, iceberg):
    if iceberg == "uuid":
        return lambda value: {"uuid": str(uuid.UUID(bytes=value) if isinstance(value, bytes) else uuid.UUID(text(value)))}
    if iceberg == "string":
        return text
    if iceberg == "boolean":
        return bool
    if pyarrow.types.is_timestamp(kind):
        return lambda value: {"timestamp": timestamp(value, kind.unit)}
    if pyarrow.types.is_time(kind):
        return lambda value: {"time": timestamp(value, kind.unit).split("T")[1]}
    if iceberg == "time":
        raise TypeError(f"the engine has no times: it gave them as {kind}, in a unit of its own")
    if pyarrow.types.is_date32(kind):
        return lambda value: {"date": str(numpy.datetime64(value, "D"))}
    if pyarrow.types.is_date64(kind):
        return lambda value: {"date": str(numpy.datetime64(value // 86_400_000, "D"))}
    if pyarrow.types.is_decimal(kind):
        return lambda value: {"decimal": format(value, "f")}
    if pyarrow.types.is_floating(kind):
        return floating
    if pyarrow.types.is_integer(kind):
        return lambda value: value if abs(value) <= MAX_SAFE_INTEGER else {"long": str(value)}
    if iceberg is not None or pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind):
        return binary
    return lambda value: binary(value) if isinstance(value, bytes) else value


def text(value):
    return value.decode("utf-8") if isinstance(value, bytes) else value


def binary(value):
    return {"bytes": base64.b64encode(value).decode("ascii")} if isinstance(value, bytes) else value


def floating(value):
    if math.isnan(value):
        return {"float": "NaN"}
    return {"float": "Infinity" if value > 0 else "-Infinity"} if math.isinf(value) else value


def timestamp(value, unit):
    nanoseconds = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}[unit] * value
    micros, rest = divmod(nanoseconds, 1000)
    return str(numpy.datetime64(micros, "us")) + (f"{rest:03d}" if rest else "")
