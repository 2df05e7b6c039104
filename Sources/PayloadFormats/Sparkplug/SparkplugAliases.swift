/// The names and types that births have given to the metrics of an edge node: what its later payloads mean by aliases.
///
/// An alias belongs to one edge node, its devices included: a node's birth begins a new table, a device's adds to it.
/// Isolation: a value.
/// Source: Sparkplug 3.0.0 §6.4.7, §6.4.8.
package struct SparkplugAliases: Sendable, Equatable {
    private var names: [UInt8] = []
    /// The metrics that have an alias, by alias.
    private var aliased: [Metric] = []
    /// All metrics, by name.
    private var named: [Metric] = []

    private struct Metric: Equatable {
        let alias: UInt64
        let nameStart: UInt32
        let nameByteCount: UInt32
        let datatype: UInt32

        var nameRange: Range<Int> { Int(nameStart)..<Int(nameStart) + Int(nameByteCount) }
    }

    /// A table without a metric.
    package init() {}

    // MARK: Commands

    /// Takes the metrics of a birth, NBIRTH's into an empty table, DBIRTH's into that of its edge node; a metric that
    /// is known gets the alias and the type that the birth says.
    /// - Returns: what is wrong with the payload; the table is then as it was.
    /// - Complexity: O(n log n) in all metrics.
    package mutating func take(birth payload: Span<UInt8>) -> PayloadFault? {
        var next = self
        do throws(PayloadFault) {
            var aliases: [UInt64: Metric] = [:]
            for metric in aliased { aliases[metric.alias] = metric }
            var all: [[UInt8]: Metric] = [:]
            for metric in named { all[Array(names[metric.nameRange])] = metric }
            try SparkplugPayload.forEachMetric(in: payload) { metric throws(PayloadFault) in
                guard let range = metric.name else { return }
                guard next.names.count + range.count <= PayloadLimits.payloadBytesMax else {
                    throw PayloadFault(.tooLong, at: metric.start)
                }
                let name = payload.copy(range)
                let entry = Metric(
                    alias: metric.alias ?? 0, nameStart: all[name]?.nameStart ?? UInt32(next.names.count),
                    nameByteCount: UInt32(range.count), datatype: UInt32(truncatingIfNeeded: metric.datatype ?? 0))
                if all[name] == nil { next.names += name }
                if let alias = metric.alias { aliases[alias] = entry }
                all[name] = entry
            }
            next.aliased = aliases.values.sorted { $0.alias < $1.alias }
            next.named = all.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
        } catch {
            return error
        }
        self = next
        return nil
    }

    // MARK: Queries

    /// How many metrics are known.
    package var count: Int { named.count }

    /// The bytes of memory that the table takes, about.
    package var byteCount: Int { names.count + (aliased.count + named.count) * MemoryLayout<Metric>.stride }

    /// The name of an alias; nil when no birth has given it.
    package func name(of alias: UInt64) -> String? {
        find(alias).map { String(decoding: names[$0.nameRange], as: UTF8.self) }
    }

    /// Calls with the name and the type of an alias; answers nil when no birth has given it.
    func withMetric<Result>(_ alias: UInt64, _ body: (_ name: Span<UInt8>, _ datatype: UInt64) -> Result) -> Result? {
        guard let metric = find(alias) else { return nil }
        return body(names.span.extracting(metric.nameRange), UInt64(metric.datatype))
    }

    /// The type of a metric; nil when no birth has named it.
    func datatype(of name: Span<UInt8>) -> UInt64? {
        var lower = 0
        var upper = named.count
        while lower < upper {
            let middle = (lower + upper) / 2
            let candidate = names.span.extracting(named[middle].nameRange)
            if candidate.precedes(name) { lower = middle + 1 } else { upper = middle }
        }
        guard lower < named.count, names.span.extracting(named[lower].nameRange).holdsBytes(of: name) else {
            return nil
        }
        return UInt64(named[lower].datatype)
    }

    private func find(_ alias: UInt64) -> Metric? {
        var lower = 0
        var upper = aliased.count
        while lower < upper {
            let middle = (lower + upper) / 2
            if aliased[middle].alias < alias { lower = middle + 1 } else { upper = middle }
        }
        return lower < aliased.count && aliased[lower].alias == alias ? aliased[lower] : nil
    }
}

extension Span<UInt8> {
    /// Whether these bytes come before the others in the order of names.
    fileprivate func precedes(_ other: Span<UInt8>) -> Bool {
        for index in 0..<Swift.min(count, other.count) where self[index] != other[index] {
            return self[index] < other[index]
        }
        return count < other.count
    }

    /// An owned copy of some of these bytes.
    fileprivate func copy(_ range: Range<Int>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        for index in range { bytes.append(self[index]) }
        return bytes
    }
}
