internal import CRE2

/// A regular expression in RE2's syntax: no back references, and time that is linear in the text.
///
/// Isolation: one owner; never changes.
/// Source: https://github.com/google/re2/wiki/Syntax
@safe
package struct RegularExpression: ~Copyable {
    private let pattern: OpaquePointer

    /// Compiles a pattern.
    /// - Parameter memoryMax: what it may take in bytes, compiled and while it matches.
    /// - Throws: what is wrong with it.
    package init(_ text: String, memoryMax: Int) throws(RegularExpressionFault) {
        var text = text
        let made = text.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { bytes in
                unsafe sluice_pattern_create(bytes.baseAddress, bytes.count, Int64(memoryMax))
            }
        }
        guard let made = unsafe made else { throw RegularExpressionFault(words: "no memory for it") }
        if let fault = unsafe sluice_pattern_fault(made) {
            let words = unsafe String(cString: fault)
            unsafe sluice_pattern_destroy(made)
            throw RegularExpressionFault(words: words)
        }
        unsafe pattern = made
    }

    deinit { unsafe sluice_pattern_destroy(pattern) }

    /// How many instructions it takes: what a step of matching costs at most.
    package var instructionCount: Int { unsafe Int(sluice_pattern_size(pattern)) }

    /// Whether it matches the whole of a text.
    /// - Complexity: O(bytes of the text × instructions), O(bytes) for most patterns.
    package borrowing func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { bytes in
                unsafe sluice_pattern_matches(pattern, bytes.baseAddress, bytes.count)
            }
        }
    }
}

/// Why a pattern is no regular expression.
package struct RegularExpressionFault: Error, Equatable, Sendable {
    /// It in words, as RE2 says it: `missing ): a(b`.
    package let words: String

    /// A fault in words.
    package init(words: String) { self.words = words }
}
