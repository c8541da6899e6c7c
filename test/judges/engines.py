"""The engines, each as a function from a request to an Arrow table. A module is imported only by the process that is its judge."""

import contextlib
import glob
import importlib.util
import os
import tempfile
import urllib.parse


def quoted(name, quote='"'):
    return quote + name.replace(quote, quote * 2) + quote


def literal(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def select(request, source, quote='"'):
    """The SQL of a read, for the engines that speak it."""
    if sql := request.get("sql"):
        return sql.replace("{table}", source)
    columns = request.get("columns")
    what = ", ".join(quoted(name, quote) for name in columns) if columns else "*"
    where = f" WHERE {request['filter']}" if request.get("filter") else ""
    return f"SELECT {what} FROM {source}{where}"


def snapshot_id(request):
    wanted = request.get("snapshotId")
    return None if wanted is None else int(wanted)


def static_table(request, location):
    from pyiceberg.table import StaticTable

    s3 = request.get("s3")
    properties = {}
    if s3:
        properties = {
            "s3.endpoint": s3["endpoint"],
            "s3.access-key-id": s3["accessKey"],
            "s3.secret-access-key": s3["secretKey"],
            "s3.region": s3["region"],
            "s3.force-virtual-addressing": "false",
        }
    return StaticTable.from_metadata(location.metadata_file(), properties=properties)


def pyiceberg_engine():
    def read(request, location):
        scan = static_table(request, location).scan(snapshot_id=snapshot_id(request))
        if request.get("tag"):
            scan = scan.use_ref(request["tag"])
        if request.get("filter"):
            scan = scan.filter(request["filter"])
        if request.get("columns"):
            scan = scan.select(*request["columns"])
        return scan.to_arrow()

    return read


def duckdb_engine():
    import duckdb

    connection = duckdb.connect(config={"threads": 2, "autoinstall_known_extensions": False})
    for extension in ("avro", "httpfs", "iceberg"):
        # The wheels bring the extensions that INSTALL would download from DuckDB's own host.
        package = importlib.util.find_spec(f"duckdb_extension_{extension}")
        [file] = glob.glob(
            os.path.join(package.submodule_search_locations[0], "**", f"{extension}.duckdb_extension"), recursive=True
        )
        connection.execute(f"LOAD '{file}'")

    def read(request, location):
        if s3 := request.get("s3"):
            scheme, host = s3["endpoint"].split("://")
            connection.execute(
                "CREATE OR REPLACE SECRET judge (TYPE s3, KEY_ID $key, SECRET $secret, REGION $region, ENDPOINT $endpoint, "
                "URL_STYLE 'path', USE_SSL $ssl)",
                {
                    "key": s3["accessKey"],
                    "secret": s3["secretKey"],
                    "region": s3["region"],
                    "endpoint": host,
                    "ssl": scheme == "https",
                },
            )
        path = (location.given or location.root).replace("'", "''")
        snapshot = f", snapshot_from_id = {snapshot_id(request)}" if request.get("snapshotId") else ""
        return connection.execute(select(request, f"iceberg_scan('{path}'{snapshot})")).to_arrow_table()

    return read


def spark_engine():
    from pyspark.sql import SparkSession

    jars = sorted(glob.glob(os.path.join(os.environ["DATASHARD_SPARK_JARS"], "*.jar")))
    builder = (
        SparkSession.builder.master("local[1]")
        .appName("judge")
        .config("spark.jars", ",".join(jars))
        .config("spark.driver.memory", "1g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        # Compiling each plan to Java costs more than all the rows of a test.
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.catalog.default_iceberg", "org.apache.iceberg.spark.SparkCatalog")
        .config("spark.sql.catalog.default_iceberg.type", "hadoop")
        .config("spark.sql.catalog.default_iceberg.warehouse", "/nonexistent")
        .config("spark.sql.catalog.default_iceberg.cache-enabled", "false")
        .config("spark.hadoop.fs.s3.impl", "org.apache.hadoop.fs.s3a.S3AFileSystem")
        .config("spark.hadoop.fs.s3.impl.disable.cache", "true")
        .config("spark.hadoop.fs.s3a.path.style.access", "true")
        .config("spark.hadoop.fs.s3a.attempts.maximum", "2")
    )
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    reached = None

    def read(request, location):
        nonlocal session, reached
        if (s3 := request.get("s3")) and s3 != reached:
            # Catalogs keep the configuration that they began with: what reaches another server needs a new one.
            session, reached = session.newSession(), s3
            hadoop = session.sparkContext._jsc.hadoopConfiguration()
            hadoop.set("fs.s3a.endpoint", s3["endpoint"])
            hadoop.set("fs.s3a.endpoint.region", s3["region"])
            hadoop.set("fs.s3a.access.key", s3["accessKey"])
            hadoop.set("fs.s3a.secret.key", s3["secretKey"])
            hadoop.set("fs.s3a.connection.ssl.enabled", str(s3["endpoint"].startswith("https:")).lower())
        reader = session.read.format("iceberg")
        if request.get("snapshotId"):
            reader = reader.option("snapshot-id", request["snapshotId"])
        if request.get("tag"):
            reader = reader.option("tag", request["tag"])
        with contextlib.ExitStack() as cleanup:
            root = location.root
            # Iceberg takes what follows a '#' in a path for the name of a metadata table.
            if location.given or "#" in root:
                root = cleanup.enter_context(tempfile.TemporaryDirectory())
                write_as_first_version(root, location.read(location.metadata_file()))
            if append := request.get("append"):
                session.sql(append).write.format("iceberg").mode("append").save(root)
            frame = reader.load(root)
            if sql := request.get("sql"):
                frame.createOrReplaceTempView("judged")
                return arrow_of(session.sql(sql.replace("{table}", "judged")))
            if request.get("filter"):
                frame = frame.where(request["filter"])
            if request.get("columns"):
                frame = frame.select(*[quoted(name, "`") for name in request["columns"]])
            return arrow_of(frame)

    return read


def arrow_of(frame):
    # toArrow() refuses a null struct with a required field in it, which Spark itself is fine with.
    import pyarrow

    batches = frame._collect_as_arrow()
    return pyarrow.Table.from_batches(batches) if batches else frame.toArrow()


def write_as_first_version(root, metadata):
    """HadoopTables, which needs no catalog, opens v{N} names only. Paths inside metadata are absolute, so a copy will do."""
    os.mkdir(os.path.join(root, "metadata"))
    for name, content in (("v1.metadata.json", metadata), ("version-hint.text", b"1")):
        with open(os.path.join(root, "metadata", name), "wb") as file:
            file.write(content)


def clickhouse_engine():
    import chdb
    import pyarrow

    os.chdir("/")  # it reads files below its working directory only

    def read(request, location):
        if any(character in location.root for character in "*?{}"):
            raise ValueError("ClickHouse takes this location for a glob, and answers with no rows instead of an error")
        if s3 := request.get("s3"):
            address = f"{s3['endpoint']}/{urllib.parse.quote(location.root.removeprefix('s3://'))}/"
            function, arguments = "icebergS3", [literal(text) for text in (address, s3["accessKey"], s3["secretKey"])]
        else:
            function, arguments = "icebergLocal", [literal(location.root)]
        if location.given:
            relative = location.given.removeprefix(location.root).lstrip("/")
            arguments.append(f"SETTINGS iceberg_metadata_file_path = {literal(relative)}")
        source = f"{function}({', '.join(arguments)})"
        settings = {"output_format_arrow_string_as_string": 0, "session_timezone": "'UTC'", "max_threads": 2}
        if request.get("snapshotId"):
            settings["iceberg_snapshot_id"] = snapshot_id(request)
        clause = ", ".join(f"{name} = {value}" for name, value in settings.items())
        query = f"{select(request, source, '`')} SETTINGS {clause}"
        return pyarrow.ipc.open_file(chdb.query(query, "Arrow").bytes()).read_all()

    return read


def polars_engine():
    import polars

    def read(request, location):
        s3 = request.get("s3")
        options = None
        if s3:
            options = {
                "s3.endpoint": s3["endpoint"],
                "s3.access-key-id": s3["accessKey"],
                "s3.secret-access-key": s3["secretKey"],
                "s3.region": s3["region"],
            }
        frame = polars.scan_iceberg(location.metadata_file(), snapshot_id=snapshot_id(request), storage_options=options)
        if request.get("filter"):
            frame = frame.filter(polars.sql_expr(request["filter"]))
        if request.get("columns"):
            frame = frame.select(request["columns"])
        return frame.collect().to_arrow(compat_level=polars.CompatLevel.oldest())

    return read


def daft_engine():
    import daft

    def read(request, location):
        config = None
        if s3 := request.get("s3"):
            config = daft.io.IOConfig(
                s3=daft.io.S3Config(
                    endpoint_url=s3["endpoint"],
                    key_id=s3["accessKey"],
                    access_key=s3["secretKey"],
                    region_name=s3["region"],
                    use_ssl=s3["endpoint"].startswith("https:"),
                    force_virtual_addressing=False,
                )
            )
        frame = daft.read_iceberg(static_table(request, location), snapshot_id=snapshot_id(request), io_config=config)
        if request.get("filter"):
            frame = frame.where(request["filter"])
        if request.get("columns"):
            frame = frame.select(*request["columns"])
        return frame.to_arrow()

    return read


ENGINES = {
    "pyiceberg": pyiceberg_engine,
    "duckdb": duckdb_engine,
    "spark": spark_engine,
    "clickhouse": clickhouse_engine,
    "polars": polars_engine,
    "daft": daft_engine,
}
