/// The settings of one group that differ from the standard: Kafka's names with their values, which are valid.
///
/// A record of them stands in the node's own stream of the cluster: the key is `group-settings/` and the group's name,
/// the value a line `name=value` for each.
package struct GroupSettings: Sendable, Equatable {
    /// By name.
    package var values: [String: String] = [:]

    /// All standard.
    package init() {}

    /// What begins the keys of records.
    private static let keyPrefix = Array("group-settings/".utf8)

    /// The key of a group's record.
    package static func key(of group: String) -> [UInt8] { keyPrefix + group.utf8 }

    /// The group of a record's key; nil when it is another record.
    static func group(of key: [UInt8]) -> String? {
        key.starts(with: keyPrefix) ? String(decoding: key.dropFirst(keyPrefix.count), as: UTF8.self) : nil
    }

    /// The record's value; nil when nothing differs.
    package var recordValue: [UInt8]? {
        guard !values.isEmpty else { return nil }
        return values.sorted { $0.key < $1.key }.flatMap { Array("\($0)=\($1)\n".utf8) }
    }

    /// The settings of a record.
    init(_ value: [UInt8]) {
        for line in value.split(separator: UInt8(ascii: "\n")) {
            let parts = line.split(separator: UInt8(ascii: "="), maxSplits: 1)
            guard parts.count == 2 else { continue }
            values[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self)
        }
    }

    // MARK: What they mean

    /// Kafka's settings of groups that are followed.
    package enum Name: String, CaseIterable, Sendable {
        case consumerHeartbeatInterval = "consumer.heartbeat.interval.ms"
        case consumerSessionTimeout = "consumer.session.timeout.ms"
        case shareAutoOffsetReset = "share.auto.offset.reset"
        case shareHeartbeatInterval = "share.heartbeat.interval.ms"
        case shareIsolationLevel = "share.isolation.level"
        case shareLockDuration = "share.record.lock.duration.ms"
        case shareSessionTimeout = "share.session.timeout.ms"

        /// What holds for groups for which nothing else is said.
        package var standard: String {
            switch self {
            case .consumerHeartbeatInterval, .shareHeartbeatInterval: "5000"
            case .consumerSessionTimeout, .shareSessionTimeout: "45000"
            case .shareAutoOffsetReset: "latest"
            case .shareIsolationLevel: "read_uncommitted"
            case .shareLockDuration: "30000"
            }
        }

        /// Milliseconds that it may be, Kafka's; nil for one that is no time.
        var milliseconds: ClosedRange<Int64>? {
            switch self {
            case .consumerHeartbeatInterval, .shareHeartbeatInterval: 5000...15_000
            case .consumerSessionTimeout, .shareSessionTimeout: 45_000...60_000
            case .shareLockDuration: 15_000...60_000
            case .shareAutoOffsetReset, .shareIsolationLevel: nil
            }
        }

        /// Whether it is a number.
        package var isNumber: Bool { milliseconds != nil }

        /// Why a value cannot be; nil when it can.
        package func fault(of value: String) -> String? {
            if let milliseconds {
                guard let number = Int64(value), milliseconds.contains(number) else {
                    return "\(rawValue) is a number from \(milliseconds.lowerBound) to \(milliseconds.upperBound)."
                }
                return nil
            }
            switch self {
            case .shareIsolationLevel where value != "read_uncommitted" && value != "read_committed":
                return "\(rawValue) is read_uncommitted or read_committed."
            case .shareAutoOffsetReset where OffsetReset(value) == nil:
                return "\(rawValue) is earliest, latest or by_duration: with a duration such as P3DT1H."
            case _: return nil
            }
        }
    }

    /// A setting's value.
    package subscript(name: Name) -> String { values[name.rawValue] ?? name.standard }

    private func nanoseconds(_ name: Name) -> Int64 { (Int64(self[name]) ?? 0) * 1_000_000 }

    /// How long a member of a share group may be silent, in nanoseconds.
    var shareSessionTimeout: Int64 { nanoseconds(.shareSessionTimeout) }

    /// How long a member of the consumer protocol may be silent, in nanoseconds.
    var consumerSessionTimeout: Int64 { nanoseconds(.consumerSessionTimeout) }

    /// How long a member has what it acquires, in nanoseconds.
    package var shareLockDuration: Int64 { nanoseconds(.shareLockDuration) }

    /// Whether a share group gets nothing of transactions that have not ended well.
    package var readsCommitted: Bool { self[.shareIsolationLevel] == "read_committed" }

    /// Where a share group begins in a partition.
    package var offsetReset: OffsetReset { OffsetReset(self[.shareAutoOffsetReset]) ?? .latest }
}

/// Where a group begins where it has not been.
package enum OffsetReset: Equatable, Sendable {
    /// At the first record that there is.
    case earliest
    /// Behind the last one.
    case latest
    /// At the first one that is no older, in milliseconds.
    case byDuration(Int64)

    /// A value of `share.auto.offset.reset`; nil when it is none.
    init?(_ text: String) {
        switch text {
        case "earliest": self = .earliest
        case "latest": self = .latest
        case _:
            let prefix = "by_duration:"
            guard text.hasPrefix(prefix), let milliseconds = Self.milliseconds(text.dropFirst(prefix.count)) else {
                return nil
            }
            self = .byDuration(milliseconds)
        }
    }

    /// A duration of ISO 8601 with days, hours, minutes and seconds.
    private static func milliseconds(_ text: Substring) -> Int64? {
        guard text.first == "P" else { return nil }
        var total = 0.0
        var number = ""
        var isTime = false
        var hasPart = false
        for character in text.dropFirst() {
            switch character {
            case "T" where !isTime && number.isEmpty: isTime = true
            case "0"..."9", ".": number.append(character)
            case _:
                let seconds: Double
                switch (character, isTime) {
                case ("D", false): seconds = 86_400
                case ("H", true): seconds = 3600
                case ("M", true): seconds = 60
                case ("S", true): seconds = 1
                case _: return nil
                }
                guard let value = Double(number), value < 1e9 else { return nil }
                total += value * seconds * 1000
                (number, hasPart) = ("", true)
            }
        }
        return number.isEmpty && hasPart && total < 1e15 ? Int64(total) : nil
    }
}

/// The settings of groups, by the groups' names.
package struct GroupSettingsTable: Sendable {
    private var groups: [String: GroupSettings] = [:]

    /// All standard.
    package init() {}

    /// A group's.
    package subscript(name: String) -> GroupSettings {
        get { groups[name] ?? GroupSettings() }
        set { groups[name] = newValue.values.isEmpty ? nil : newValue }
    }

    /// The groups for which something differs, sorted.
    package var names: [String] { groups.keys.sorted() }

    /// A record of the stream that they stand in, among others.
    package mutating func apply(key: [UInt8], value: [UInt8]?) {
        guard let group = GroupSettings.group(of: key) else { return }
        self[group] = value.map(GroupSettings.init) ?? GroupSettings()
    }
}
