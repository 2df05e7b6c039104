import Testing

@Suite("Arrows point to lower layers only")
struct LayerTests {
    @Test("Every import follows an arrow")
    func imports() throws {
        expectNone(try Repository.sources().flatMap(Layers.violations))
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
}
