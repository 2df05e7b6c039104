import Foundation
import Testing

@Suite("sluice export")
struct ExportCommandTests {
    @Test("Beside a running broker a stream's readings are a table of numbers that another program reads")
    func table() throws {
        let devices = try DeviceBroker(["temperature": DeviceBroker.temperature])
        #expect(
            try devices.publish("sensors/a/dev1/temperature", #"{"temperature":21.5,"humidity":40,"seq":1}"#).code == 0)
        #expect(try devices.publish("sensors/a/dev2/temperature", #"{"temperature":-4,"seq":2}"#).code == 0)
        let file = devices.directory.path + "/sensors.csv"
        let config = devices.directory.path + "/sluice.yaml"
        let result = try Program.sluice(
            ["export", "sensors", "--config", config, "--data", devices.broker.data, "--from", "-1h", "-o", file])
        #expect(result.code == 0 && result.output.contains("2 records"), "\(result)")
        let script = """
            import csv, sys
            rows = list(csv.DictReader(open(sys.argv[1])))
            print(sum(float(row["temperature"]) for row in rows), [row["humidity"] for row in rows],
                  [row["_key"] for row in rows])
            """
        let python = try Program.run(["python3", "-c", script, file])
        #expect(python.output.contains("17.5 ['40.0', ''] ['dev1', 'dev2']"), "\(python)")
        #expect(!FileManager.default.fileExists(atPath: file + ".partial"))
        let lines = try Program.sluice(
            [
                "export", "sensors", "--config", config, "--data", devices.broker.data, "--format", "ndjson",
                "--filter",
                "sensors/+/dev2/#",
            ])
        #expect(lines.code == 0 && lines.lines.count == 1, "\(lines)")
        #expect(lines.output.contains(#""temperature":-4.0,"humidity":null,"seq":2,"_fault":null"#), "\(lines)")
    }

    @Test("An export that is killed leaves no file, and the same command goes on with what there is")
    func resumed() throws {
        let broker = try BrokerProcess("journal:\n  file_size: 1MiB\nlog:\n  segment_size: 4MiB\n")
        let bench = try broker.sluice(["bench", "pub", "-n", "40000", "-s", "1000", "-c", "4", "--topic", "t/%c"])
        #expect(bench.code == 0, "\(bench)")
        #expect(broker.stop() == 0)
        let file = broker.directory.path + "/t.ndjson"
        func command(_ file: String) -> [String] {
            ["export", "mqtt", "--data", broker.data, "--format", "ndjson", "-o", file]
        }
        let killed = try ChildProcess([Program.sluice] + command(file), in: broker.directory)
        #expect(killed.wait { FileManager.default.fileExists(atPath: file + ".progress") })
        killed.kill(SIGKILL)
        _ = killed.exitCode()
        try #require(!FileManager.default.fileExists(atPath: file), "it was killed before it was done")
        // What was written behind the last note is cut off.
        let partial = try #require(FileHandle(forWritingAtPath: file + ".partial"))
        try partial.seekToEnd()
        try partial.write(contentsOf: Data("half a li".utf8))
        try partial.close()
        let resumed = try Program.sluice(command(file))
        #expect(resumed.code == 0 && resumed.errors.contains("going on with"), "\(resumed)")
        #expect(resumed.output.contains("40000 records"), "\(resumed)")
        let whole = broker.directory.path + "/whole.ndjson"
        #expect(try Program.sluice(command(whole)).code == 0)
        #expect(FileManager.default.contentsEqual(atPath: file, andPath: whole))
        for rest in [".partial", ".progress"] { #expect(!FileManager.default.fileExists(atPath: file + rest)) }
    }

    @Test("Another export does not go on with what one left, and what cannot be done is said by name")
    func refused() throws {
        let broker = try BrokerProcess()
        #expect(try broker.sluice(["publish", "a", "-m", "1"]).code == 0)
        let file = broker.directory.path + "/out.csv"
        try Data("rubbish".utf8).write(to: URL(filePath: file + ".partial"))
        let progress = #"{"request":"another","now":1,"partition":"mqtt-0","offset":1,"records":1,"bytes":3}"#
        try Data(progress.utf8).write(to: URL(filePath: file + ".progress"))
        let other = try Program.sluice(["export", "mqtt", "--data", broker.data, "-o", file])
        #expect(other.code == 0 && other.errors.contains("given up"), "\(other)")
        #expect(try String(contentsOfFile: file, encoding: .utf8).hasPrefix("_partition,"))
        let parquet = try Program.sluice(["export", "mqtt", "--data", broker.data, "--format", "parquet"])
        #expect(parquet.code == 2 && parquet.errors.contains("Parquet") && parquet.errors.contains("csv"), "\(parquet)")
        let stream = try Program.sluice(["export", "mqtx", "--data", broker.data])
        #expect(stream.code == 1 && stream.errors.contains("mqtt"), "\(stream)")
        let nowhere = try Program.sluice(["export", "mqtt", "--data", broker.data, "-o", "/nowhere/file"])
        #expect(nowhere.code == 1 && nowhere.errors.contains("/nowhere/file"), "\(nowhere)")
    }
}
