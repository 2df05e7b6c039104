import Testing

@Suite("Arrows point to lower layers only")
struct LayerTests {
    @Test("Every import follows an arrow")
    func imports() throws {
        expectNone(try Repository.sources().flatMap(Layers.violations))
    }

    @Test("The broker and its transport cannot see the embedded engine")
    func seam() {
        for target in ["SluiceBroker", "SluiceTransport", "SluiceNode", "Bridging", "GroupCoordination"] {
            let reached = Layers.reachable(from: target)
            #expect(reached.isDisjoint(with: ["CommitLog", "CommitLogPosix"]), "\(target)")
        }
        #expect(Layers.reachable(from: "SluiceBroker").contains("LogInterface"))
    }

    @Test("The transport knows connections and bytes: no protocol, no log, no broker")
    func transport() {
        // A WebSocket begins with a request of HTTP; that is all that it knows of it.
        let ours = Layers.reachable(from: "SluiceTransport")
        #expect(ours == ["Speaking", "SluiceCore", "HTTPWire", "Cryptography", "EventLoop", "CWslay", "CLinux"])
        #expect(Layers.reachable(from: "Speaking") == ["SluiceCore"])
    }

    @Test("A C library has one Swift face")
    func cModules() throws {
        expectNone(try Layers.sharedCModules(in: Repository.sources()))
    }

    @Test("Package.swift declares every import and nothing that the arrows forbid")
    func manifest() throws {
        let declared = try PackageDescription.read().declared
        #expect(declared["TopicRouting"] == ["SluiceCore", "Checksums"], "The description was read")
        expectNone(try Layers.undeclared(in: Repository.sources(), declared: declared))
    }

    @Test("The one list of packages has every library that Package.swift names")
    func packages() throws {
        let manifest = try #require(try Repository.file("Package.swift"))
        let list = try #require(try Repository.file(".ci/install-packages"))
        let pattern = try Regex(#"system\("\w+", [^,]+, "([\w+.-]+)"\)"#, as: (Substring, Substring).self)
        let packages = manifest.text.matches(of: pattern).map { String($0.output.1) }
        #expect(packages.count >= 5)
        let listed = Set(list.text.split { $0.isWhitespace || "()".contains($0) }.map(String.init))
        #expect(packages.filter { !listed.contains($0) } == [])
    }
}
