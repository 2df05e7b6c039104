import AccessControl
import Speaking

/// What asking for rights costs: a user with so many rules, or so many patterns for everybody.
extension Microbenchmarks {
    static var access: [Benchmark] {
        [
            verdict("access/1-pattern", "pattern readwrite sensors/site1/%u/#\n"),
            verdict("access/10-rules", "user dev7\n" + lines(10)),
            verdict("access/1000-rules", "user dev7\n" + lines(1000)),
            verdict(
                "access/10-rules-of-100000",
                (0..<10_000).map { "user other\($0)\n" + lines(10) }.joined()
                    + "user dev7\n" + lines(10)),
            load,
        ]
    }

    private static func lines(_ count: Int) -> String {
        (0..<count - 1).map { "topic readwrite sensors/site1/other\($0)/#\n" }.joined()
            + "topic write sensors/site1/dev7/#\n"
    }

    private static func rules(_ text: [UInt8]) -> AccessRules {
        do {
            return try AccessRules.mosquitto(text, file: "acl")
        } catch {
            preconditionFailure("\(error)")
        }
    }

    private static func verdict(_ name: String, _ text: String) -> Benchmark {
        Benchmark(name: name, operationsPerRun: 10_000) {
            let rights = rules(Array(text.utf8)).rights(of: .user("dev7"), clientID: Array("client".utf8))
            let topic = Array("sensors/site1/dev7/temp".utf8)
            return {
                var count = 0
                for _ in 0..<10_000 where rights.mayPublish(topic.span).isAllowed { count += 1 }
                precondition(count == 10_000)
            }
        }
    }

    /// A whole file of 100,000 lines; one operation is a line.
    private static var load: Benchmark {
        Benchmark(name: "access/load-of-100000-lines", operationsPerRun: 100_000) {
            let text = Array((0..<50_000).map { "user u\($0)\ntopic read devices/u\($0)/#\n" }.joined().utf8)
            return { precondition(rules(text).ruleCount == 50_000) }
        }
    }
}
