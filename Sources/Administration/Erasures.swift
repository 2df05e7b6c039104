/// Whose records are to be erased.
package struct EraseOrder: Equatable, Sendable {
    /// The device: the key of its records.
    package var device: String
    /// The stream that they are in.
    package var stream: String
    /// Whether nothing is to go, and it is only counted what would.
    package var isDryRun = false

    /// An order about a device's records in a stream.
    package init(device: String, stream: String) {
        self.device = device
        self.stream = stream
    }

    /// The order as lines: what, of which stream, of which device.
    var lines: [String] { [isDryRun ? "examine" : "erase", stream, device] }

    /// The order of lines.
    /// - Throws: `AdministrationRequest.Fault` that says what was expected.
    init(_ lines: [String]) throws(AdministrationRequest.Fault) {
        guard lines.count >= 3, ["erase", "examine"].contains(lines[0]), !lines[1].isEmpty,
            lines.count > 3 || !lines[2].isEmpty
        else { throw .malformed("expected erase or examine, a stream and a device, each on a line") }
        // A key may have line feeds.
        self.init(device: lines[2...].joined(separator: "\n"), stream: lines[1])
        isDryRun = lines[0] == "examine"
    }
}

/// How far an erasure has come.
package struct EraseReport: AdministrationValue {
    /// The job.
    package var number: Int64 = 0
    /// What it does now, in a word or two.
    package var stage = ""
    /// Bytes that this step has looked at.
    package var examined: Int64 = 0
    /// Bytes that there are to look at in this step.
    package var total: Int64 = 0
    /// What was found, or erased, by stream; those with nothing are left out.
    package var streams: [Part] = []
    /// Files with damage, which stay as they are, whatever is in them.
    package var damaged: Int64 = 0
    /// Whether it is over.
    package var isDone = false
    /// Why it ended early.
    package var fault: String?

    /// What a stream has, or had, of the device.
    package struct Part: AdministrationValue {
        /// The stream.
        package var stream = ""
        /// Records.
        package var records: Int64 = 0
        /// Bytes of these, uncompressed.
        package var bytes: Int64 = 0

        /// Nothing.
        package init() {}

        /// See `AdministrationValue`.
        package mutating func visit(_ fields: inout Fields) {
            fields.text("stream", &stream)
            fields.integer("records", &records)
            fields.integer("bytes", &bytes)
        }
    }

    /// Nothing known.
    package init() {}

    /// Records of all streams.
    package var recordCount: Int64 { streams.reduce(0) { $0 + $1.records } }

    /// See `AdministrationValue`.
    package mutating func visit(_ fields: inout Fields) {
        fields.integer("job", &number)
        fields.text("stage", &stage)
        fields.integer("examined", &examined)
        fields.integer("total", &total)
        fields.list("streams", &streams)
        fields.integer("damaged", &damaged)
        fields.flag("done", &isDone)
        fields.text("fault", &fault)
    }
}
