internal import CSimdJSON

/// The paths of a schema as a tree: what is below one step follows each other, so that a name is compared with few
/// others.
struct PathTree: Sendable {
    /// The steps; the first is the payload itself. Empty when there are no fields.
    let steps: [sluice_path_step]
    /// The bytes of all names.
    let names: [UInt8]

    /// The steps below a step.
    private func children(of step: Int) -> Range<Int> {
        Int(steps[step].first_child)..<Int(steps[step].first_child + steps[step].child_count)
    }

    /// The child of a step that has this name.
    func child(of step: Int, named name: Span<UInt8>) -> Int? {
        for child in children(of: step) where isName(of: child, name) { return child }
        return nil
    }

    /// The child of a step for a place in an array, or a number that is a name.
    func child(of step: Int, at index: Int64) -> Int? {
        for child in children(of: step) where steps[child].index == index { return child }
        return nil
    }

    /// The child of a step that the path of a field goes on with.
    func step(to field: Int, below step: Int) -> Int? {
        for child in children(of: step) where holds(field, below: child) { return child }
        return nil
    }

    /// The field whose path ends at a step.
    func field(at step: Int) -> Int? { steps[step].field >= 0 ? Int(steps[step].field) : nil }

    /// The first field whose path ends at a step or leads through it.
    func firstField(at step: Int) -> Int { Int(steps[step].first_field) }

    private func holds(_ field: Int, below step: Int) -> Bool {
        Int(steps[step].field) == field || children(of: step).contains { holds(field, below: $0) }
    }

    private func isName(of step: Int, _ name: Span<UInt8>) -> Bool {
        let start = Int(steps[step].name_start)
        guard name.count == Int(steps[step].name_byte_count) else { return false }
        for index in 0..<name.count where names[start + index] != name[index] { return false }
        return true
    }
}

extension PathTree {
    /// A tree of paths, in the order of the fields.
    /// - Throws: a fault of the field whose path is another's, or leads through another's.
    init(_ paths: [[[UInt8]]]) throws(SchemaFault) {
        var root = Step(name: [])
        for (field, path) in paths.enumerated() {
            if let other = root.insert(path[...], field: field) {
                throw SchemaFault(field: field, "its path is that of field \(other + 1), or leads through it")
            }
        }
        guard !paths.isEmpty else {
            steps = []
            names = []
            return
        }
        var steps: [sluice_path_step] = [root.entry(nameStart: 0)]
        var names: [UInt8] = []
        var pending = [root]
        var index = 0
        while index < pending.count {
            let children = pending[index].children
            steps[index].first_child = UInt32(steps.count)
            steps[index].child_count = UInt32(children.count)
            for child in children {
                steps.append(child.entry(nameStart: names.count))
                names += child.name
            }
            pending += children
            index += 1
        }
        self.steps = steps
        self.names = names
    }

    /// A step while the tree grows.
    private struct Step {
        let name: [UInt8]
        var field: Int?
        var children: [Step] = []

        /// Adds a path; answers the field that is in its way.
        mutating func insert(_ path: ArraySlice<[UInt8]>, field: Int) -> Int? {
            guard let name = path.first else {
                if let first = firstField { return first }
                self.field = field
                return nil
            }
            if let other = self.field { return other }
            if let index = children.firstIndex(where: { $0.name == name }) {
                return children[index].insert(path.dropFirst(), field: field)
            }
            var child = Step(name: name)
            let other = child.insert(path.dropFirst(), field: field)
            children.append(child)
            return other
        }

        var firstField: Int? { field ?? children.compactMap(\.firstField).min() }

        func entry(nameStart: Int) -> sluice_path_step {
            let index = Int64(String(decoding: name, as: UTF8.self)) ?? Int64.min
            return sluice_path_step(
                name_start: UInt32(nameStart), name_byte_count: UInt32(name.count), index: index, first_child: 0,
                child_count: 0, field: field.map(Int32.init) ?? -1, first_field: firstField.map(Int32.init) ?? -1)
        }
    }
}
