package import Administration
package import HTTPWire
package import SluiceBroker
package import SluiceCore
package import Speaking

/// What an HTTP endpoint is made of.
package struct HTTPSettings {
    /// Bounds of everything that input could make grow.
    package var limits: Limits
    /// What the topics of records are made by that have none of their own, by their streams' names.
    package var downlinks: [String: DownlinkTemplate] = [:]
    /// The names by which each listener may be asked, by the listeners' own.
    package var hosts: [String: HostNames] = [:]
    /// Counts connections, and keeps addresses out; nil for nobody.
    package var gate: (any ConnectionGate)?
    /// What the program says of itself.
    package var version: String
    /// What is not asked of the broker's loops.
    package var node: any HTTPNode

    /// Settings from their parts.
    package init(limits: Limits, version: String, node: any HTTPNode) {
        self.limits = limits
        self.version = version
        self.node = node
    }
}

/// What the process knows beside its loops.
///
/// Isolation: any thread; quick.
package protocol HTTPNode: Sendable {
    /// What is not ready, in words; none when the node serves.
    var unready: [String] { get }
    /// Free bytes where the log lives; nil when nobody can tell.
    var diskFreeBytes: Int64? { get }
    /// What goes with which topic, by the configuration in force, as a document.
    func explain(topic: String) -> JSON
    /// Finds the last record of each topic that a filter matches at a moment, in milliseconds since 1970, elsewhere.
    /// Calls `wake` when `takeStates` has the answer, by its number.
    /// - Returns: false when too many ask.
    func findState(
        _ filter: [UInt8], at time: Int64, number: UInt64, wake: @escaping @Sendable () -> Void
    ) -> Bool
    /// What has been found since the last call.
    func takeStates() -> [(number: UInt64, answer: PastStateAnswer)]
    /// The configuration in force as it was understood, as a document.
    var configuration: JSON { get }
    /// Figures of the process and the engine.
    var figures: [MetricFamily] { get }
    /// Bytes that the log's newest records take, which readers get from memory; 0 before the log is open.
    var logMemoryBytes: Int { get }
    /// Bytes of the process that are resident and no file's; nil when nobody can tell.
    var heapBytes: UInt64? { get }
}

/// What the state of topics at a moment was.
package enum PastStateAnswer: Sendable {
    /// Topics, and what there is to say of their records.
    case found([(topic: [UInt8], document: JSON)])
    /// Why it cannot be told.
    case failed(String)
}

/// A metric with its samples.
package struct MetricFamily: Sendable {
    /// What it is, for OpenMetrics.
    package enum Kind: String, Sendable {
        case counter
        case gauge
        case histogram
        case info
    }

    /// One value with its labels; of a histogram, with the suffix of its name.
    package struct Sample: Sendable {
        /// What is added to the family's name: `_total`, `_bucket`, `_sum`, `_count`, `_info`, or nothing.
        package var suffix: String
        /// Names and values.
        package var labels: [(name: String, value: String)]
        /// The value.
        package var value: Double

        /// A sample from its parts.
        package init(_ value: Double, suffix: String = "", labels: [(name: String, value: String)] = []) {
            self.value = value
            self.suffix = suffix
            self.labels = labels
        }
    }

    /// The name, with its unit.
    package var name: String
    /// What it is.
    package var kind: Kind
    /// What it says, in a sentence.
    package var help: String
    /// The samples.
    package var samples: [Sample]

    /// A family from its parts.
    package init(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    /// A counter of one value.
    package static func counter(
        _ name: String, _ help: String, _ value: some BinaryInteger, _ labels: [(name: String, value: String)] = []
    ) -> MetricFamily {
        MetricFamily(name, .counter, help, [Sample(Double(value), suffix: "_total", labels: labels)])
    }

    /// A histogram of durations; its name ends with `_seconds`.
    package static func histogram(_ name: String, _ help: String, _ times: LatencyHistogram) -> MetricFamily {
        var samples: [Sample] = []
        var seen: UInt64 = 0
        for (index, count) in times.counts.enumerated() {
            seen += count
            let bound = index < LatencyHistogram.bounds.count ? "\(LatencyHistogram.bounds[index])" : "+Inf"
            samples.append(Sample(Double(seen), suffix: "_bucket", labels: [("le", bound)]))
        }
        samples.append(Sample(Double(times.sum) / 1_000_000_000, suffix: "_sum"))
        samples.append(Sample(Double(seen), suffix: "_count"))
        return MetricFamily(name, .histogram, help, samples)
    }

    /// A gauge of one value.
    package static func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) -> MetricFamily {
        MetricFamily(name, .gauge, help, [Sample(Double(value))])
    }
}
