/// Which log lines of one part a running node writes.
package struct LogLevelReport: AdministrationValue {
    /// The part.
    package var part = ""
    /// The least severe level that is written.
    package var level = ""
    /// What the configuration says, where somebody has changed it since.
    package var configured: String?

    /// Nothing known.
    package init() {}

    /// See `AdministrationValue`.
    package mutating func visit(_ fields: inout Fields) {
        fields.text("part", &part)
        fields.text("level", &level)
        fields.text("configured", &configured)
    }
}
