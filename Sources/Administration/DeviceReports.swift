/// Which devices somebody asks for.
package struct DeviceQuery: Equatable, Sendable {
    /// Where to go on: what the answer before said, or 0.
    package var start: Int64 = 0
    /// How many are wanted at most.
    package var limit: Int64 = 1000
    /// Only devices of this profile; empty for all.
    package var profile = ""
    /// Only the device of this key; empty for all.
    package var key = ""
    /// Only devices that are silent.
    package var isSilent = false
    /// With every field of what a device has last said, read from the log; goes with a key.
    package var isReading = false

    /// Every device.
    package init() {}

    /// The query as lines of a word and a value.
    var lines: [String] {
        [
            "start \(start)", "limit \(limit)", "profile \(profile)", "silent \(isSilent)", "reading \(isReading)",
            "key \(key)",
        ]
    }

    /// The query of lines.
    /// - Throws: `AdministrationRequest.Fault` that names the line.
    init(_ lines: [String]) throws(AdministrationRequest.Fault) {
        for line in lines where !line.isEmpty {
            let words = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard words.count == 2, take(words[0], words[1]) else {
                throw .malformed("expected start, limit, profile, silent, reading or key, and a value, not '\(line)'")
            }
        }
    }

    private mutating func take(_ word: String, _ value: String) -> Bool {
        switch word {
        case "start", "limit":
            guard let number = Int64(value), number >= 0 else { return false }
            if word == "start" { start = number } else { limit = number }
        case "profile": profile = value
        case "key": key = value
        case "silent", "reading":
            guard value == "true" || value == "false" else { return false }
            if word == "silent" { isSilent = value == "true" } else { isReading = value == "true" }
        case _: return false
        }
        return true
    }
}

/// A device as a running node knows it; times are milliseconds since 1970.
package struct DeviceReport: AdministrationValue {
    /// The key of its records; bytes that are not UTF-8 are replaced.
    package var key = ""
    /// Its profile.
    package var profile = ""
    /// The stream of its messages.
    package var stream = ""
    /// When its first message came.
    package var firstMilliseconds: Int64 = 0
    /// When its last one came.
    package var lastMilliseconds: Int64 = 0
    /// Whether it has not been heard of for longer than it may be.
    package var isSilent = false
    /// How often it was.
    package var silences: Int64 = 0
    /// Messages that were stored.
    package var count: Int64 = 0
    /// Messages that were not as they should be.
    package var faults = Faults()
    /// Numbers that did not come, by its own count.
    package var missed: Int64 = 0
    /// Messages whose number was the one before.
    package var repeated: Int64 = 0
    /// Its last number, if it counts.
    package var sequence: Int64?
    /// How far its clock is before the broker's, in milliseconds, if it has one.
    package var skew: Int64?
    /// The time between two messages of late, in milliseconds; nil before the second.
    package var interval: Int64?
    /// The time between two messages that its profile expects.
    package var expected: Int64?
    /// The partition of its last message.
    package var partition: Int64 = 0
    /// The offset of its last message; -1 for none.
    package var offset: Int64 = -1
    /// Its last reading.
    package var reading: [Value] = []
    /// How its payloads are to be read, by topic.
    package var messages: [Message] = []

    /// How many messages were not as they should be.
    package struct Faults: Equatable, Sendable {
        /// Those, whatever became of them.
        package var bad: Int64 = 0
        /// Messages that became dead letters.
        package var letters: Int64 = 0
        /// Of those, messages that passed their profile later: they are stored ones as well.
        package var redriven: Int64 = 0
        /// Messages that were not taken.
        package var refused: Int64 = 0
    }

    /// The last value of a field.
    package struct Value: AdministrationValue {
        /// The field.
        package var name = ""
        /// The value, as text; empty where there is none.
        package var text = ""
        /// Its unit.
        package var unit: String?
        /// When it was made, by its record, in milliseconds since 1970; nil where it is not known.
        package var time: Int64?
        /// The topics of its message; nil where it is not known.
        package var pattern: String?

        /// Nothing known.
        package init() {}

        /// A value of a field.
        package init(_ name: String, _ text: String, unit: String?) {
            self.name = name
            self.text = text
            self.unit = unit
        }

        /// See `AdministrationValue`.
        package mutating func visit(_ fields: inout Fields) {
            fields.text("name", &name)
            fields.text("value", &text)
            fields.text("unit", &unit)
            fields.integer("ts_ms", &time)
            fields.text("from", &pattern)
        }
    }

    /// The topics of one of its messages.
    package struct Message: AdministrationValue {
        /// The topics.
        package var pattern = ""
        /// The format of their payloads.
        package var format = ""

        /// Nothing known.
        package init() {}

        /// See `AdministrationValue`.
        package mutating func visit(_ fields: inout Fields) {
            fields.text("from", &pattern)
            fields.text("format", &format)
        }
    }

    /// Messages that came: what became of each.
    package var published: Int64 { count - faults.redriven + faults.letters + faults.refused }

    /// Nothing known.
    package init() {}

    /// See `AdministrationValue`.
    package mutating func visit(_ fields: inout Fields) {
        fields.text("device", &key)
        fields.text("profile", &profile)
        fields.text("stream", &stream)
        fields.integer("first_ms", &firstMilliseconds)
        fields.integer("last_ms", &lastMilliseconds)
        fields.flag("silent", &isSilent)
        fields.integer("silences", &silences)
        fields.integer("messages", &count)
        fields.integer("dead_lettered", &faults.letters)
        fields.integer("redriven", &faults.redriven)
        fields.integer("bad", &faults.bad)
        fields.integer("refused", &faults.refused)
        fields.integer("missed", &missed)
        fields.integer("repeated", &repeated)
        fields.integer("sequence", &sequence)
        fields.integer("skew_ms", &skew)
        fields.integer("interval_ms", &interval)
        fields.integer("expected_ms", &expected)
        fields.integer("partition", &partition)
        fields.integer("offset", &offset)
        fields.list("reading", &reading)
        fields.list("topics", &messages)
    }
}

/// What is to be done with dead letters.
package struct LetterOrder: Equatable, Sendable {
    /// What may be done with them.
    package enum Action: String, Sendable, CaseIterable {
        /// Put through the profile as it is now; those that pass go to the stream.
        case redrive
        /// As redrive, but only counted.
        case examine
        /// Not shown again.
        case discard
    }

    /// What is to be done.
    package var action: Action
    /// The stream whose dead letters they are, without `.dlq`.
    package var stream: String
    /// Only those of this reason; empty for all.
    package var reason = ""
    /// Only those of this device; empty for all.
    package var device = ""
    /// Only those of this time or later, in milliseconds since 1970.
    package var from = Int64.min
    /// Only those before this time.
    package var until = Int64.max

    /// An order about every dead letter of a stream.
    package init(_ action: Action, stream: String) {
        self.action = action
        self.stream = stream
    }

    /// The order as lines: what, of which stream, and a word and a value on each.
    var lines: [String] {
        [action.rawValue, stream, "reason \(reason)", "from \(from)", "until \(until)", "device \(device)"]
    }

    /// The order of lines.
    /// - Throws: `AdministrationRequest.Fault` that names the line.
    init(_ lines: [String]) throws(AdministrationRequest.Fault) {
        guard lines.count >= 2, let action = Action(rawValue: lines[0]), !lines[1].isEmpty else {
            throw .malformed("expected redrive, examine or discard, and a stream on the next line")
        }
        self.init(action, stream: lines[1])
        for line in lines.dropFirst(2) where !line.isEmpty {
            let words = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard words.count == 2, take(words[0], words[1]) else {
                throw .malformed("expected reason, device, from or until, and a value, not '\(line)'")
            }
        }
    }

    private mutating func take(_ word: String, _ value: String) -> Bool {
        switch word {
        case "reason": reason = value
        case "device": device = value
        case "from", "until":
            guard let time = Int64(value) else { return false }
            if word == "from" { from = time } else { until = time }
        case _: return false
        }
        return true
    }
}

/// How far a job with dead letters has come.
package struct LetterReport: AdministrationValue {
    /// The job.
    package var number: Int64 = 0
    /// Letters that there are, as far as it has looked.
    package var examined: Int64 = 0
    /// Those that the order was about.
    package var selected: Int64 = 0
    /// Those that passed, or were discarded.
    package var passed: Int64 = 0
    /// Those that are still not as they should be.
    package var failed: Int64 = 0
    /// What is still wrong with them, with how many there are of each.
    package var reasons: [Reason] = []
    /// Whether it is over.
    package var isDone = false
    /// Why it ended early.
    package var fault: String?

    /// How many letters there are of a reason.
    package struct Reason: AdministrationValue {
        /// The reason.
        package var reason = ""
        /// How many.
        package var count: Int64 = 0

        /// Nothing known.
        package init() {}

        /// So many letters of a reason.
        package init(_ reason: String, _ count: Int64) {
            self.reason = reason
            self.count = count
        }

        /// See `AdministrationValue`.
        package mutating func visit(_ fields: inout Fields) {
            fields.text("reason", &reason)
            fields.integer("count", &count)
        }
    }

    /// Nothing known.
    package init() {}

    /// See `AdministrationValue`.
    package mutating func visit(_ fields: inout Fields) {
        fields.integer("job", &number)
        fields.integer("examined", &examined)
        fields.integer("selected", &selected)
        fields.integer("passed", &passed)
        fields.integer("failed", &failed)
        fields.list("reasons", &reasons)
        fields.flag("done", &isDone)
        fields.text("fault", &fault)
    }
}

/// Dead letters that are dealt with, as a run of offsets in a partition.
package struct LetterRun: AdministrationValue {
    /// The partition.
    package var partition: Int64 = 0
    /// The first offset.
    package var start: Int64 = 0
    /// The offset behind the last.
    package var end: Int64 = 0

    /// Nothing known.
    package init() {}

    /// A run of a partition.
    package init(partition: Int64, start: Int64, end: Int64) {
        self.partition = partition
        self.start = start
        self.end = end
    }

    /// See `AdministrationValue`.
    package mutating func visit(_ fields: inout Fields) {
        fields.integer("partition", &partition)
        fields.integer("start", &start)
        fields.integer("end", &end)
    }
}

/// What became of the messages of a profile since the node started.
package struct LedgerReport: AdministrationValue {
    /// The profile; empty for topics of no profile.
    package var profile = ""
    /// Messages that came.
    package var published: Int64 = 0
    /// Messages that were stored in their stream.
    package var stored: Int64 = 0
    /// Of those, messages that were not as they should be.
    package var accepted: Int64 = 0
    /// Messages that became dead letters.
    package var deadLettered: Int64 = 0
    /// Messages that were refused.
    package var refused: Int64 = 0
    /// Dead letters that passed their profile later, which are counted as dead letters too.
    package var redriven: Int64 = 0
    /// Why messages were not as they should be.
    package var reasons: [LetterReport.Reason] = []

    /// Nothing known.
    package init() {}

    /// What came and is neither in the log nor refused by a profile: it is on its way, or the log has refused it.
    package var open: Int64 { published - stored - deadLettered - refused }

    /// See `AdministrationValue`.
    package mutating func visit(_ fields: inout Fields) {
        fields.text("profile", &profile)
        fields.integer("published", &published)
        fields.integer("stored", &stored)
        fields.integer("accepted_bad", &accepted)
        fields.integer("dead_lettered", &deadLettered)
        fields.integer("redriven", &redriven)
        fields.integer("refused", &refused)
        fields.list("reasons", &reasons)
    }
}
