import Administration
import CommitLogPosix
import DeviceProfiles
import LogTools
import PayloadFormats
import SluiceBroker
import SluiceConfiguration
import SluiceCore
import TopicRouting

/// `sluice export`.
enum ExportCommand {
    static let command = Command(
        name: "export", operands: ["STREAM"], summary: "Write a stream as a table for analysis",
        notes: """
            Read from the data directory, beside a running broker or without one. Columns: _partition, _offset, _time,
            _topic, _key, and the fields that the configuration's device profiles name, as numbers, texts, true and
            false, and times; _fault says why the payload of a record is not as its profile says. A stream without
            such fields has _payload, and _encoding where that is base64. A POSITION is as in `sluice consume`. FILE
            appears when it is whole: until then there is FILE.partial, which the same command goes on with. Exits
            with 1 when something was damaged and left out.
            """,
        example: "sluice export sensors --config config/sluice.yaml --from -24h --format csv -o sensors.csv",
        options: [
            ConfigurationSource.option,
            CommandOption("data", letter: "d", value: "DIR", "the data directory; the configuration's unless given"),
            CommandOption("filter", value: "FILTER", "only topics that match, such as 'sensors/+/dev42/#'"),
            CommandOption("from", value: "POSITION", "where to start; earliest unless given"),
            CommandOption("to", value: "POSITION", "where to stop: before that record"),
            CommandOption("format", value: "FORMAT", "csv or ndjson; csv unless given"),
            CommandOption("output", letter: "o", value: "FILE", "where to; standard output unless given"),
        ], run: run)

    private static func run(_ arguments: Arguments) throws -> Int32 {
        let format = try format(arguments)
        var configuration = try ConfigurationSource.load(arguments)
        if let data = arguments.text("data") { configuration.dataDirectory = data }
        let place = try InspectedPlace(configuration.dataDirectory)
        guard case .dataDirectory = place.kind else {
            throw CommandFailure("\(configuration.dataDirectory) is no data directory")
        }
        let asked = words(arguments, format, configuration)
        let path = arguments.text("output")
        let unfinished = path.flatMap { ExportFile.unfinished($0) }
        var checkpoint = ExportFile.Checkpoint(request: asked, now: WallClock.milliseconds())
        if let unfinished, let path {
            if unfinished.request == asked {
                checkpoint = unfinished
                Sluice.complain("going on with \(path).partial")
            } else {
                Sluice.complain("\(path).partial is of another export, which is given up")
            }
        }
        let request = try request(arguments, format, configuration, now: Timestamp(rawValue: checkpoint.now))
        let export: StreamExport
        if let path {
            let file = try ExportFile(path, at: checkpoint)
            export = StreamExport(place, request, to: file, makeProgress: Progress.make)
        } else {
            export = StreamExport(place, request, to: StandardOutput(), makeProgress: Progress.make)
        }
        try export.run()
        for finding in export.findings { Sluice.complain("damage: \(finding.path): \(finding.text)") }
        if let path {
            let faults = export.faultCount == 0 ? "" : ", \(export.faultCount) of them not as their profile says"
            print("\(export.recordCount) records\(faults) in \(path)")
        }
        return export.findings.isEmpty ? ExitCode.success : ExitCode.failure
    }

    private static func format(_ arguments: Arguments) throws -> ExportFormat {
        if arguments.text("format") == "parquet" {
            throw arguments.error(
                "--format parquet: there is no Parquet here, since Debian 12 has neither Arrow GLib nor another "
                    + "library that writes it; csv and ndjson are what DuckDB, pandas and Arrow make Parquet of")
        }
        return try arguments.value("format", expected: "csv or ndjson") { ExportFormat(rawValue: $0) } ?? .csv
    }

    private static func request(
        _ arguments: Arguments, _ format: ExportFormat, _ configuration: Configuration, now: Timestamp
    ) throws -> StreamExport.Request {
        let position: (String) -> ReplayPosition? = { ReplayPosition($0, now: now) }
        let expected = ReplayPosition.expectation.replacing("expected ", with: "")
        let filter = Array((arguments.text("filter") ?? "#").utf8)
        do throws(TopicSyntaxError) { try FilterSyntax.check(filter: filter.span) } catch {
            throw arguments.error("--filter '\(String(decoding: filter, as: UTF8.self))': \(error)")
        }
        let profiles: ProfileSet
        do throws(RuleError) { profiles = try ProfileSet(configuration.profiles) } catch {
            throw CommandFailure("\(error)")
        }
        return StreamExport.Request(
            stream: arguments.operands[0], filter: filter,
            from: try arguments.value("from", expected: expected, position) ?? .earliest,
            until: try arguments.value("to", expected: expected, position), format: format, profiles: profiles)
    }

    /// What is asked for, in words that are the same when it is asked for again.
    private static func words(
        _ arguments: Arguments, _ format: ExportFormat, _ configuration: Configuration
    ) -> String {
        let fields = configuration.profiles.filter { $0.stream == arguments.operands[0] }.flatMap(\.messages).flatMap {
            message in [message.pattern.text, message.schema.format.rawValue] + message.schema.fields.map(\.name)
        }
        let options = ["filter", "from", "to"].map { "\($0)=\(arguments.text($0) ?? "")" }
        return ([arguments.operands[0], configuration.dataDirectory, format.rawValue] + options + fields)
            .joined(separator: " ")
    }
}
