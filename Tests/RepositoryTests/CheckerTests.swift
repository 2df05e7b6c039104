import Testing

/// A test that cannot fail is a defect, so every checker is shown what it must find.
@Suite("The checkers find what they look for")
struct CheckerTests {
    func source(_ text: String, path: String = "Sources/TopicRouting/File.swift") -> Repository.File {
        Repository.File(path: path, text: text)
    }

    func lines(_ violations: [Violation]) -> [Int] { violations.map(\.line) }

    @Test("Comments and literals are taken out of the code, interpolations stay")
    func sourceText() {
        let text =
            "let a = \"// no \\(b(\"x\") + c) \\\" comment\" // real \"one\"\nlet d = #\"\\(no)\"# /* x\ny */ + e"
        let source = SourceText(text)
        #expect(!source.codeLines[0].contains("no"))
        #expect(source.codeLines[0].contains("b(\" \") + c"))
        #expect(!source.codeLines[0].contains("real"))
        #expect(source.commentLines[0].contains("// real \"one\""))
        #expect(!source.codeLines[1].contains("no"))
        #expect(source.codeLines[2].hasSuffix("+ e"))
        #expect(source.commentLines[2].contains("y */"))
        let long = SourceText("let a = \"\"\"\n  \"quoted\" { text\n  \"\"\"\nlet b = 1")
        #expect(long.codeLines.count == 4)
        #expect(!long.codeLines[1].contains("{"))
        #expect(long.codeLines[3] == "let b = 1")
    }

    @Test("Functions are measured from their first line to their closing brace")
    func functions() {
        let text = """
            protocol P {
                func required(a: Int)
                init()
                var x: Int { get }
            }
            struct S {
                init(a: (Int) -> Void = { _ in }) {
                    self.init()
                }
                func f() -> Int { 1 }
                func g<T>(
                    a: T
                ) where T: P {
                    if true {
                        print("}")
                    }
                }
                deinit {}
            }
            """
        let found = FunctionScanner.functions(in: SourceText(text))
        #expect(found.map(\.line) == [7, 10, 11, 18])
        #expect(found.map(\.lineCount) == [3, 1, 7, 1])
    }

    @Test("Stored properties are counted, and those that are computed, of the type or of another are not")
    func properties() throws {
        let text = """
            package final class C {
                static let a = 1
                private(set) var b: Int = 2
                let c, d: Int
                weak var e: C?
                lazy var f = { 1 }()
                var g: Int { 1 }
                var h: Int {
                    let i = 1
                    return i
                }
                struct S {
                    var j: Int
                    unowned let k: C
                }
            }
            extension C { var l: Int { 1 } }
            """
        let found = try PropertyScanner.types(in: SourceText(text))
        #expect(found.map(\.name) == ["C", "S", "C"])
        #expect(found.map(\.propertyCount) == [4, 2, 0])
        #expect(lines(try SourceRules.properties(of: source(text), countMax: 3)) == [1])
        let excused = "/// More than twenty stored properties: so it is.\n// Sendable: so it is.\n" + text
        #expect(try SourceRules.properties(of: source(excused), countMax: 3).isEmpty)
    }

    @Test("Too long a file, function and line is found")
    func lengths() {
        let body = String(repeating: "    x()\n", count: 70)
        let file = source("func f() {\n\(body)}\n" + String(repeating: "x", count: 121) + "\n")
        #expect(lines(SourceRules.lengths(of: file, linesMax: 72)) == [0, 1, 73])
        #expect(lines(SourceRules.lengths(of: file, linesMax: 73, functionLinesMax: 72)) == [73])
        #expect(SourceRules.percentile90(Array(1...10)) == 9)
        #expect(SourceRules.percentile90([5]) == 5)
    }

    @Test(
        "Every banned token is found in code",
        arguments: [
            "let a = try! f()", "let a = try? f()", "a as! B", "a!.b", "f()!", "f { }!", "a[0]! + 1", "var a: Int!",
            "fatalError(\"x\")", "DispatchQueue.main", "print(1)", "Task { }", "Task.detached { }", "do { } catch { }",
        ])
    func bannedInSources(code: String) throws {
        #expect(try !SourceRules.banned(SourceRules.bannedInSources, in: source(code)).isEmpty)
        let inside = source("// \(code)\nlet a = \(String(reflecting: code))\n")
        #expect(try SourceRules.banned(SourceRules.bannedInSources, in: inside) == [])
    }

    @Test(
        "What only resembles a banned token is not",
        arguments: [
            "a != b", "!a", "if !a.b { }", "preconditionFailure(\"x\")", "logger.print(1)", "Tasks { }", "x = !y",
        ])
    func notBanned(code: String) throws {
        #expect(try SourceRules.banned(SourceRules.bannedInSources, in: source(code)) == [])
    }

    @Test("The command may print, a library may not")
    func printing() throws {
        #expect(
            try SourceRules.banned(SourceRules.bannedInSources, in: source("print(1)", path: "Sources/sluice/a.swift"))
                == [])
    }

    @Test(
        "A test that sleeps or does not run is found",
        arguments: ["usleep(1)", "await Task.sleep(for: x)", "@Test(.disabled(\"x\"))", "withKnownIssue { }"])
    func bannedInTests(code: String) throws {
        #expect(try SourceRules.banned(SourceRules.bannedInTests, in: source(code)).count == 1)
    }

    @Test("An escape without a proof is found")
    func proofs() {
        #expect(lines(SourceRules.proofs(in: source("let a = 1\nfinal class A: @unchecked Sendable {}"))) == [2])
        #expect(SourceRules.proofs(in: source("// Confined to one loop.\nfinal class A: @unchecked Sendable {}")) == [])
        #expect(lines(SourceRules.proofs(in: source("nonisolated(unsafe) var a = 1"))) == [1])
    }

    @Test("Leftovers are found in comments")
    func leftovers() {
        #expect(lines(SourceRules.leftovers(in: source("let a = 1\n// " + "TODO: more\nlet b = \"FIXME\""))) == [2])
    }

    @Test("A package declaration without a comment is found")
    func documentation() throws {
        let text = """
            package import A
            /// Good.
            package struct A {
                package var b = 1
                /// Good.
                @inlinable
                package static func c() {}
                package private(set) var d = 1
                let e = 1
                package init() {}
                @inlinable package mutating func f() {}
            }
            """
        #expect(lines(try SourceRules.documentation(of: source(text))) == [4, 8, 10, 11])
    }

    @Test("Folders that say nothing, lie deep or hold too much are found")
    func places() {
        #expect(SourceRules.places(of: [source("", path: "Sources/A/Utils/B.swift")]).count == 1)
        #expect(SourceRules.places(of: [source("", path: "Sources/A/Helpers.swift")]).count == 1)
        #expect(SourceRules.places(of: [source("", path: "Sources/A/B/C/D.swift")]).count == 1)
        #expect(SourceRules.places(of: [source("", path: "Sources/A/Segments/D.swift")]) == [])
        #expect(SourceRules.places(of: (0..<25).map { source("", path: "Sources/A/F\($0).swift") }).count == 1)
        #expect(SourceRules.places(of: (0..<24).map { source("", path: "Sources/A/F\($0).swift") }) == [])
    }

    @Test("An import against the arrows is found")
    func imports() throws {
        let text =
            "package import SluiceCore\nimport Checksums\nimport Foundation\n"
            + "@preconcurrency private import CommitLog\nimport CXXHash"
        #expect(lines(try Layers.violations(of: source(text))) == [3, 4, 5])
        #expect(try Layers.violations(of: source("import Foundation", path: "Sources/sluice/a.swift")) == [])
        #expect(try Layers.violations(of: source("", path: "Sources/Unheard/a.swift")).count == 1)
        #expect(try Layers.imports(of: source("import struct A.B\nimport Glibc")).map(\.module) == ["A", "Glibc"])
    }

    @Test("The arrows reach lower layers through others, but never another target's C module")
    func reach() {
        #expect(Layers.reachable(from: "MQTTSession") == ["MQTTWire", "SluiceCore"])
        #expect(Layers.reachable(from: "RecordFormat") == ["SluiceCore", "Checksums", "Compression"])
        #expect(Layers.reachable(from: "SluiceTransport").contains("CLinux"))
        #expect(!Layers.reachable(from: "SluiceTransport").contains("CUv"))
    }

    @Test("A C module with two owners is found")
    func cModules() throws {
        let files = [
            source("import CUv\nimport CLinux", path: "Sources/EventLoop/a.swift"),
            source("import CUv\nimport CLinux", path: "Sources/SluiceTransport/a.swift"),
        ]
        #expect(try Layers.sharedCModules(in: files).map(\.path) == ["Sources/SluiceTransport/a.swift"])
    }

    @Test("What the manifest misses and what it should not have are found")
    func manifest() throws {
        let file = source("import SluiceCore\nimport Checksums\nimport Glibc")
        let found = try Layers.undeclared(in: [file], declared: ["TopicRouting": ["SluiceCore", "CommitLog"]])
        #expect(
            found.map(\.message) == [
                "Package.swift does not declare Checksums for TopicRouting", "TopicRouting may not depend on CommitLog",
            ])
        #expect(try Layers.undeclared(in: [file], declared: [:]).count == 1)
    }

    @Test("Document faults are found")
    func documents() throws {
        let readme = Repository.File(
            path: "README.md",
            text: "# A\n[b](docs/B.md#part) [c](https://x.org/C.md)\n```\n# no title\n[d](docs/D.md)\n```\n")
        let linked = Repository.File(path: "docs/B.md", text: "# B\n# Again\n[up](../README.md) [self](B.md)")
        let lost = Repository.File(path: "docs/D.md", text: "no title [self](D.md)")
        #expect(DocumentRules.titles(of: readme) == [])
        #expect(lines(DocumentRules.titles(of: linked)) == [2])
        #expect(lines(DocumentRules.titles(of: lost)) == [0])
        #expect(try DocumentRules.unreferenced(in: [readme, linked, lost]).map(\.path) == ["docs/D.md"])
        #expect(
            try DocumentRules.brokenLinks(in: [readme, linked]) { $0 != "docs/B.md" }.map(\.path) == [
                "README.md", "docs/B.md",
            ])
        let path = ["", "home", "me"].joined(separator: "/")
        #expect(lines(DocumentRules.machinePaths(in: source("a\nsee \(path)/x"))) == [2])
        #expect(DocumentRules.changelog(Repository.File(path: "CHANGELOG.md", text: "# C\n\n## 1.0\n")).count == 1)
        #expect(DocumentRules.changelog(Repository.File(path: "CHANGELOG.md", text: "# C\n\n## Unreleased\n")) == [])
    }
}
