import Administration
import CommitLogPosix

/// What a broker says of itself at one moment.
struct BrokerPicture {
    private let time: Int64
    private let streams: [StreamReport]
    private let sessions: [SessionReport]
    private let groups: [GroupReport]
    private let bridges: [BridgeReport]

    /// Asks a broker.
    init(_ client: MQTTClient) throws(CommandFailure) {
        time = MonotonicClock.nanoseconds()
        streams = try client.streams().reports
        sessions = try client.sessions().reports
        groups = try client.groups().reports
        bridges = try client.bridges().reports
    }

    /// The picture as lines.
    /// - Parameters:
    ///   - former: the picture before, which rates count from; nil for no rates.
    ///   - rows: the lines that there is room for; nil for any number.
    func lines(after former: BrokerPicture?, title: String, style: Style, rows: Int? = nil) -> [String] {
        let tables = [
            ("streams", streamTable(after: former)), ("clients", clientTable), ("groups", groupTable),
            ("bridges", bridgeTable),
        ].filter { !$0.1.rows.isEmpty }
        let rate = streams.reduce(0) { $0 + self.rate(of: $1, since: former) }
        let connected = sessions.count { $0.isConnected && $0.command == nil }
        let heading =
            "sluice \(title)  \(connected) clients, \(sessions.count { !$0.isConnected }) waiting sessions, "
            + "\(own.count) streams, \(Readable.decimal(rate)) records/s"
        var lines = [style.painted(heading, .bold)]
        // A line for the heading, and three for each kind: a space, its columns, and what is left out.
        let room = rows.map { max(1, ($0 - 1 - 3 * tables.count) / max(1, tables.count)) }
        for (name, table) in tables {
            let shown = table.rows.prefix(room ?? table.rows.count)
            var text = Table(table.header, table.columns)
            for row in shown { text.add(row) }
            let all = text.text().split(separator: "\n").map(String.init)
            lines += ["", style.painted(all[0], .reverse)] + all.dropFirst()
            if shown.count < table.rows.count { lines.append("… \(table.rows.count - shown.count) more \(name)") }
        }
        return lines
    }

    /// Rows with their header, before they are cut to what there is room for.
    private struct Rows {
        let header: [String]
        let columns: [Table.Alignment]
        var rows: [[String]] = []
    }

    // MARK: Streams

    private var own: [StreamReport] { streams.filter { !$0.name.hasPrefix("__") } }

    private func ends(_ report: StreamReport) -> Int64 { report.partitions.reduce(0) { $0 + $1.appended } }

    private func rate(of report: StreamReport, since former: BrokerPicture?) -> Double {
        guard let former, time > former.time, !report.name.hasPrefix("__"),
            let before = former.streams.first(where: { $0.id == report.id })
        else { return 0 }
        return Double(max(0, ends(report) - ends(before))) * 1e9 / Double(time - former.time)
    }

    private func streamTable(after former: BrokerPicture?) -> Rows {
        var table = Rows(
            header: ["STREAM", "PARTITIONS", "RECORDS/S", "RECORDS", "BYTES", "DURABILITY"],
            columns: [.left, .right, .right, .right, .right, .left])
        let rated = own.map { (report: $0, rate: rate(of: $0, since: former)) }
        for (report, rate) in rated.sorted(by: { ($1.rate, $0.report.name) < ($0.rate, $1.report.name) }) {
            table.rows.append([
                report.name, String(report.partitions.count), Readable.decimal(rate),
                String(report.partitions.reduce(0) { $0 + $1.recordCount }),
                Readable.bytes(report.partitions.reduce(0) { $0 + $1.byteCount }), report.durability,
            ])
        }
        return table
    }

    // MARK: Others

    private var clientTable: Rows {
        var table = Rows(
            header: ["CLIENT", "STATE", "SUBSCRIPTIONS", "IN FLIGHT", "BEHIND"],
            columns: [.left, .left, .right, .right, .right])
        let sorted = sessions.filter { $0.command == nil }.sorted { left, right in
            let (more, less) = ((left.behind ?? 0) + left.inflightCount, (right.behind ?? 0) + right.inflightCount)
            return more == less ? left.clientID < right.clientID : more > less
        }
        for report in sorted {
            table.rows.append([
                report.clientID, report.isConnected ? "connected" : "waits", String(report.subscriptions.count),
                String(report.inflightCount), report.behind.map { String($0) } ?? "-",
            ])
        }
        return table
    }

    private var groupTable: Rows {
        var table = Rows(
            header: ["GROUP", "STATE", "MEMBERS", "LAG", "STREAMS"], columns: [.left, .left, .right, .right, .left])
        for report in groups.sorted(by: { ($1.lag, $0.name) < ($0.lag, $1.name) }) {
            table.rows.append([
                report.name, report.state, String(report.members.count), String(report.lag),
                report.streams.joined(separator: ", "),
            ])
        }
        return table
    }

    private var bridgeTable: Rows {
        var table = Rows(
            header: ["BRIDGE", "STATE", "UPSTREAM", "BEHIND", "OLDER"], columns: [.left, .left, .left, .right, .right])
        for report in bridges.sorted(by: { ($1.lagRecords, $0.name) < ($0.lagRecords, $1.name) }) {
            table.rows.append([
                report.name, report.state, report.address, String(report.lagRecords),
                Readable.milliseconds(report.lagMilliseconds),
            ])
        }
        return table
    }
}
