/// Where a tool's lines go.
package protocol LineOutput: AnyObject {
    /// Takes a line without its end.
    func line(_ text: String)
    /// Lets go of what has gathered.
    func flush()
}

/// Who is told how far long work has come.
package protocol WorkProgress: AnyObject {
    /// So many more bytes are done.
    func advance(by count: Int64)
    /// The work is over.
    func clear()
}

/// Makes the progress of a piece of work, from its title and the bytes that it has to do.
package typealias ProgressMaker = (_ title: String, _ total: Int64) -> any WorkProgress

/// Tells nobody.
package final class SilentProgress: WorkProgress {
    /// Nobody.
    package init() {}
    /// See `WorkProgress`.
    package func advance(by count: Int64) {}
    /// See `WorkProgress`.
    package func clear() {}
}

/// Why a tool cannot do what it is asked for.
package struct ToolFault: Error, CustomStringConvertible {
    /// What an operator should know.
    package let description: String

    /// A fault in words.
    init(_ description: String) { self.description = description }
}
