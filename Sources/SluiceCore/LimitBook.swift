/// The limits of a node: what holds everywhere, and what holds at single listeners.
///
/// A value that never changes: a reload makes another.
package final class LimitBook: Sendable {
    /// What holds where a listener says nothing else.
    package let general: Limits
    /// The limits of listeners that say something, by their names.
    package let listeners: [String: Limits]

    /// A book from its parts.
    package init(_ general: Limits, listeners: [String: Limits] = [:]) {
        self.general = general
        self.listeners = listeners
    }

    /// The limits of a listener.
    package func of(_ listener: String) -> Limits { listeners[listener] ?? general }
}
