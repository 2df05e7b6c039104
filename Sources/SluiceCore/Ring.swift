/// A growable first-in first-out queue with random access from its front.
///
/// Complexity: `append` amortised O(1), `popFirst` and subscript O(1).
package struct Ring<Element> {
    private var slots: [Element?]
    private var head = 0
    /// The number of elements held.
    package private(set) var count = 0

    /// An empty queue that holds `capacity` elements (rounded up to a power of two) before it grows.
    package init(capacity: Int = 16) {
        var size = 16
        while size < capacity { size *= 2 }
        slots = Array(repeating: nil, count: size)
    }

    /// Whether nothing is held.
    package var isEmpty: Bool { count == 0 }

    /// The oldest element.
    package var first: Element? { count == 0 ? nil : slots[head] }

    /// The newest element.
    package var last: Element? { count == 0 ? nil : slots[(head + count - 1) & (slots.count - 1)] }

    /// Adds an element behind the newest.
    package mutating func append(_ element: Element) {
        if count == slots.count { grow() }
        slots[(head + count) & (slots.count - 1)] = element
        count += 1
    }

    /// Takes the oldest element.
    package mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = slots[head]
        slots[head] = nil
        head = (head + 1) & (slots.count - 1)
        count -= 1
        return element
    }

    /// The element `index` places behind the oldest.
    package subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count)
            guard let element = slots[(head + index) & (slots.count - 1)] else {
                preconditionFailure("Cannot find an element in an occupied slot")
            }
            return element
        }
        set {
            precondition(index >= 0 && index < count)
            slots[(head + index) & (slots.count - 1)] = newValue
        }
    }

    private mutating func grow() {
        var larger = [Element?](repeating: nil, count: slots.count * 2)
        for index in 0..<count { larger[index] = slots[(head + index) & (slots.count - 1)] }
        slots = larger
        head = 0
    }
}
