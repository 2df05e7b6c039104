/// A file of a `SimDisk`: what the device has, what the operating system shows, and what lies between the two.
///
/// Invariants: applying every change to `device`, in order, gives `shown`, unless a synchronisation failed: then the
/// dirty changes are dropped, `shown` keeps them, and the device never gets them.
struct SimFile {
    /// A change that no synchronisation has covered.
    enum Change {
        case write(position: Int, bytes: [UInt8])
        case resize(Int)
    }

    private(set) var device: [UInt8] = []
    private(set) var shown: [UInt8] = []
    private(set) var changes: [Change] = []
    private var hasDropped = false

    mutating func write(_ bytes: [UInt8], at position: Int) {
        Self.put(bytes[...], at: position, into: &shown)
        changes.append(.write(position: position, bytes: bytes))
    }

    mutating func resize(to byteCount: Int) {
        Self.resize(&shown, to: byteCount)
        changes.append(.resize(byteCount))
    }

    mutating func synchronize() {
        for change in changes {
            switch change {
            case .write(let position, let bytes): Self.put(bytes[...], at: position, into: &device)
            case .resize(let byteCount): Self.resize(&device, to: byteCount)
            }
        }
        changes.removeAll()
    }

    /// A synchronisation that failed: the kernel calls the pages clean and forgets them.
    mutating func dropDirty() {
        changes.removeAll()
        hasDropped = true
    }

    /// Forgets what only memory has: bytes that a failed synchronisation has dropped.
    mutating func refresh() {
        guard hasDropped, changes.isEmpty else { return }
        hasDropped = false
        shown = device
    }

    /// Damage behind everybody's back: device and page cache at once.
    mutating func tamper(_ body: (inout [UInt8]) -> Void) {
        body(&shown)
        device = shown
        changes.removeAll()
    }

    /// What a power cut leaves: each unsynchronised write is kept, lost, or torn at sectors; sizes may grow without
    /// their data.
    mutating func cutPower(_ random: inout SeededGenerator) {
        guard hasDropped || !changes.isEmpty else { return }
        hasDropped = false
        for change in changes {
            switch change {
            case .resize(let byteCount):
                if random.once(in: 2) { Self.resize(&device, to: byteCount) }
            case .write(let position, let bytes):
                switch random.below(4) {
                case 0: Self.put(bytes[...], at: position, into: &device)
                case 1: tear(bytes, at: position, &random)
                case 2:
                    let end = position + bytes.count
                    if end > device.count { Self.resize(&device, to: end) }
                default: break
                }
            }
        }
        changes.removeAll()
        shown = device
    }

    private mutating func tear(_ bytes: [UInt8], at position: Int, _ random: inout SeededGenerator) {
        var index = 0
        while index < bytes.count {
            let sectorEnd = ((position + index) / SimDisk.sectorByteCount + 1) * SimDisk.sectorByteCount
            let end = min(bytes.count, sectorEnd - position)
            if random.once(in: 2) { Self.put(bytes[index..<end], at: position + index, into: &device) }
            index = end
        }
    }

    private static func resize(_ content: inout [UInt8], to byteCount: Int) {
        if byteCount < content.count {
            content.removeSubrange(byteCount...)
        } else {
            content.append(contentsOf: repeatElement(0, count: byteCount - content.count))
        }
    }

    private static func put(_ bytes: ArraySlice<UInt8>, at position: Int, into content: inout [UInt8]) {
        if position > content.count { resize(&content, to: position) }
        let overlap = min(bytes.count, content.count - position)
        if overlap > 0 {
            content.withUnsafeMutableBytes { memory in
                bytes.withUnsafeBytes { source in
                    UnsafeMutableRawBufferPointer(rebasing: memory[position...])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<overlap]))
                }
            }
        }
        content.append(contentsOf: bytes.dropFirst(overlap))
    }
}

/// A directory of a `SimDisk`: names on the device, names shown, and the operations between the two.
struct SimDirectory {
    /// What a name stands for.
    enum Entry: Equatable {
        case file(Int)
        case directory
    }

    /// An operation that no synchronisation of the directory has covered.
    enum Change {
        case add(String, Entry)
        case remove(String)
        case rename(String, String)
    }

    private(set) var device: [String: Entry] = [:]
    private(set) var shown: [String: Entry] = [:]
    private(set) var changes: [Change] = []

    mutating func apply(_ change: Change) {
        Self.apply(change, to: &shown)
        changes.append(change)
    }

    mutating func synchronize() {
        for change in changes { Self.apply(change, to: &device) }
        changes.removeAll()
    }

    mutating func dropDirty() { changes.removeAll() }

    /// What a power cut leaves: the operations up to some point, and a few of those behind it.
    mutating func cutPower(_ random: inout SeededGenerator) {
        let kept = random.below(changes.count + 1)
        for (number, change) in changes.enumerated() where number < kept || random.once(in: 4) {
            Self.apply(change, to: &device)
        }
        changes.removeAll()
        shown = device
    }

    private static func apply(_ change: Change, to names: inout [String: Entry]) {
        switch change {
        case .add(let name, let entry): names[name] = entry
        case .remove(let name): names[name] = nil
        case .rename(let name, let newName):
            guard let entry = names[name] else { return }
            names[name] = nil
            names[newName] = entry
        }
    }
}
