package import AccessControl
package import DeviceProfiles
package import SluiceCore
package import Speaking
package import TopicRouting

/// What a shard is made of.
package struct ShardSettings {
    /// The shard's index, which its peers post to.
    package var index: Int
    /// Bounds of everything that input could make grow.
    package var limits: Limits
    /// What publishes are routed by.
    package var rules: RuleSet
    /// What the payloads of profiled topics are checked by.
    package var profiles = ProfileSet()
    /// Decides who clients are that ask for no exchange; everybody is let in unless it is set.
    package var admission: any Authenticator = OpenAuthenticator()
    /// The authentication exchanges that are offered; nil for none.
    package var authenticator: (any EnhancedAuthenticator)?
    /// The limits of single listeners, by their names.
    package var listenerLimits: [String: Limits] = [:]
    /// Counts connections, and keeps addresses out; nil for nobody.
    package var gate: (any ConnectionGate)?
    /// Keeps the record of what was done; nil for none.
    package var audit: (any AuditTrail)?
    /// Who may do what; nil for everybody everything.
    package var access: (any AccessDesk)?
    /// What the topics of records are made by that have none of their own, by their streams' names.
    package var downlinks: [String: DownlinkTemplate] = [:]
    /// The node's bridges; nil for none.
    package var bridges: (any BridgeDirectory)?
    /// Who writes the log lines; nil for nobody who can be asked.
    package var logDesk: (any LogDesk)?
    /// The streams that the configuration declares, which requests do not change.
    package var declaredStreams: Set<String> = []
    /// The program's version, for the broker's own topics.
    package var version = ""
    /// Bytes of memory that the process has for itself; nil where nobody says.
    package var heapBytes: (@Sendable () -> UInt64?)?
    /// Nanoseconds of the clock that the shard's `now` is of, read anew; nil where nobody measures durations.
    package var exactClock: (@Sendable () -> Int64)?

    /// Settings from their parts.
    package init(index: Int, limits: Limits, rules: RuleSet) {
        assert(index >= 0)
        self.index = index
        self.limits = limits
        self.rules = rules
    }
}
