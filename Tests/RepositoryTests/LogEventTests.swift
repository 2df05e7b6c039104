import SluiceCore
import Testing

@Suite("The document on the log has each event as it is written")
struct LogEventTests {
    /// A row of the table of a part.
    private struct Row {
        var part: String
        var cells: [Substring]

        var keys: Set<String> { Set(cells[2].split { "`, ".contains($0) }.map(String.init)) }
    }

    private func document() throws -> Repository.File { try #require(try Repository.file("docs/LOGS.md")) }

    /// The rows of all events by their names.
    private func rows() throws -> [(name: String, row: Row)] {
        var part = ""
        var rows: [(name: String, row: Row)] = []
        for line in try document().lines {
            if line.hasPrefix("## ") {
                part = line.split(separator: "`").count == 2 ? String(line.split(separator: "`")[1]) : ""
            }
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map { $0.trimming(" ") }
            guard !part.isEmpty, line.hasPrefix("| `"), cells.count > 2 else { continue }
            let name = String(cells[1].trimming("`"))
            rows.append((name, Row(part: part, cells: Array(cells.dropFirst().dropLast()))))
        }
        return rows
    }

    private func written() throws -> [LogEvent: Set<LogKey>] {
        var scanner = LogCallScanner()
        for file in try Repository.sources() where file.target != "SluiceCore" { scanner.scan(file) }
        return scanner.keys
    }

    @Test("Each event has one row, in the table of its part, with its level and what it means")
    func rowsOfEvents() throws {
        let rows = try rows()
        #expect(rows.map(\.name).sorted() == LogEvent.allCases.map(\.rawValue).sorted())
        for (name, row) in rows {
            guard let event = LogEvent(rawValue: name) else { continue }
            #expect(row.part == event.part.rawValue, "\(name)")
            #expect(row.cells.count == 5 && row.cells[1] == event.severity.rawValue, "\(name)")
            #expect(row.cells.allSatisfy { !$0.isEmpty } || row.keys.isEmpty, "\(name)")
        }
    }

    @Test("Each event is written somewhere, with the keys of its row")
    func keys() throws {
        let written = try written()
        for (name, row) in try rows() {
            guard let event = LogEvent(rawValue: name) else { continue }
            #expect(written[event].map { Set($0.map(\.rawValue)) } == row.keys, "\(name)")
        }
    }

    @Test("Each key is told, and is one of some event")
    func keyTable() throws {
        let text = try document().text
        let table = try #require(text.firstRange(of: "## Keys").map { text[$0.upperBound...] })
        let told = table.matches(of: /\n\| `(\w+)` \| \S/).map { String($0.output.1) }
        #expect(told.sorted() == LogKey.allCases.map(\.rawValue).sorted())
        let used = try written().values.reduce(into: Set<LogKey>()) { $0.formUnion($1) }
        #expect(Set(LogKey.allCases).subtracting(used) == [])
    }

    @Test("Lines are found with the keys of words within words, and nothing else is one")
    func scanner() {
        let file = Repository.File(
            path: "Sources/A/A.swift",
            text: #"""
                let more: LogWords = count > 0 ? ", and \(count, as: .leftOut) before" : ""
                report(.acceptFailed, "cannot \(f("(", as: "x"), as: .reason)\(more) " + "\(who: client)")

                private var words: LogWords {
                    "\(name, as: .stream)"
                }

                log(LogLine(.streamDiffers, words))
                switch x { case .clientClosed, .clientRefused: report(.other, "\(a, as: .topic)") }
                """#)
        var scanner = LogCallScanner()
        scanner.scan(file)
        #expect(
            scanner.keys == [.acceptFailed: [.reason, .leftOut, .client, .address], .streamDiffers: [.stream]])
    }
}

extension Substring {
    /// It without these characters at both ends.
    fileprivate func trimming(_ characters: String) -> Substring {
        var rest = self
        while let first = rest.first, characters.contains(first) { rest.removeFirst() }
        while let last = rest.last, characters.contains(last) { rest.removeLast() }
        return rest
    }
}
