/// Conditions on `version` in generated code.
enum VersionTest {
    /// The condition that a version of `range` is in `part`; nil when each is.
    static func condition(_ part: VersionRange, in range: VersionRange) -> String? {
        if part.contains(range) { return nil }
        if part.lowest == part.highest { return "version == \(part.lowest)" }
        var tests: [String] = []
        if part.lowest > range.lowest { tests.append("version >= \(part.lowest)") }
        if part.highest < range.highest { tests.append("version <= \(part.highest)") }
        return tests.joined(separator: ", ")
    }

    /// The condition that a version of `range` is not in `part`; nil when each is.
    static func absence(_ part: VersionRange, in range: VersionRange) -> String? {
        guard let present = condition(part, in: range) else { return nil }
        if part.lowest > range.lowest, part.highest >= range.highest { return "version < \(part.lowest)" }
        return "!(\(present.replacing(", ", with: " && ")))"
    }

    /// The condition that a version of `range` is in `part`, as an expression that is never empty.
    static func expression(_ part: VersionRange, in range: VersionRange) -> String {
        if part.isEmpty || part.intersection(range).isEmpty { return "false" }
        guard let condition = condition(part.intersection(range), in: range) else { return "true" }
        return condition.replacing(", ", with: " && ")
    }
}
