package import Administration

/// Who writes the node's log lines, for those who ask.
package protocol LogDesk: AnyObject, Sendable {
    /// Which lines are written, by part.
    var levels: [LogLevelReport] { get }
    /// Writes the lines of a part, or of all, from a level on; without a level as it is configured.
    /// - Returns: why not; nil when it is done.
    func set(part: String?, level: String?) -> String?
}

extension BrokerShard {
    /// Which log lines are written.
    func logLevels() -> AdministrationReply { .logLevels(settings.logDesk?.levels ?? []) }

    /// Changes which are.
    func setLogLevel(part: String?, level: String?) -> AdministrationReply {
        guard let desk = settings.logDesk else { return .unknown }
        if let fault = desk.set(part: part, level: level) { return .failed(fault) }
        return logLevels()
    }
}
