/// Rows with aligned columns, for people.
struct Table {
    /// On which side a column's cells stand.
    enum Alignment { case left, right }

    /// The longest a cell of a column before the last may be: one long name must not push all the others off the
    /// screen. `--json` has it whole.
    static let cellLengthMax = 64

    private let columns: [Alignment]
    private var rows: [[String]] = []
    private var header: [String]?

    init(columns: [Alignment]) { self.columns = columns }

    /// A table whose first row names the columns.
    init(_ header: [String], _ columns: [Alignment]) {
        precondition(header.count == columns.count)
        self.columns = columns
        self.header = header
    }

    mutating func add(_ cells: [String]) {
        precondition(cells.count == columns.count)
        rows.append(
            cells.enumerated().map { column, cell in
                let line = Readable.oneLine(cell)
                return column < cells.count - 1 ? Readable.short(line, Self.cellLengthMax) : line
            })
    }

    /// The rows as lines; the last column is not padded.
    func text(indent: Int = 0) -> String {
        let all = (header.map { [$0] } ?? []) + rows
        let widths = columns.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            var line = String(repeating: " ", count: indent)
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                switch columns[column] {
                case .left: line += cell + (column == row.count - 1 ? "" : padding)
                case .right: line += padding + cell
                }
                if column < row.count - 1 { line += "  " }
            }
            return line.trimmingTrailingSpaces + "\n"
        }.joined()
    }
}

extension String {
    /// Without the spaces at its end.
    var trimmingTrailingSpaces: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }

    /// Filled up with spaces on the right.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

/// Numbers with units, as people read them.
enum Readable {
    /// The text, or its beginning and its end when it is longer than `length`.
    static func short(_ text: String, _ length: Int) -> String {
        guard text.count > length else { return text }
        let end = length / 3
        return "\(text.prefix(length - end - 1))…\(text.suffix(end))"
    }

    private static let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]

    /// Bytes, in the largest unit that leaves a number above 1.
    static func bytes(_ count: Int64) -> String {
        var value = Double(count)
        var unit = 0
        while value >= 1024, unit + 1 < units.count {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(count) B" : "\(decimal(value)) \(units[unit])"
    }

    /// One digit behind the point below 100, none above.
    static func decimal(_ value: Double) -> String {
        guard value < 100 else { return String(Int64(value.rounded())) }
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// How long something is ago, in milliseconds, as somebody would say it.
    static func age(_ milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds) / 1000
        return switch seconds {
        case ..<120: "\(seconds)s"
        case ..<7200: "\(seconds / 60)m"
        case ..<172_800: "\(seconds / 3600)h"
        default: "\(seconds / 86_400)d"
        }
    }

    /// A duration in the unit that fits.
    static func nanoseconds(_ count: Int64) -> String {
        switch count {
        case ..<1000: "\(count) ns"
        case ..<1_000_000: "\(decimal(Double(count) / 1000)) µs"
        case ..<1_000_000_000: "\(decimal(Double(count) / 1_000_000)) ms"
        default: "\(decimal(Double(count) / 1_000_000_000)) s"
        }
    }

    /// Milliseconds as the shortest whole number of one unit.
    static func milliseconds(_ count: Int64) -> String {
        for (name, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] as [(String, Int64)]
        where count > 0 && count % size == 0 { return "\(count / size)\(name)" }
        return "\(count)ms"
    }
}
