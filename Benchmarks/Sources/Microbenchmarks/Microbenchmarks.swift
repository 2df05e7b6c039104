import CAllocationCount
import CommitLog
import Glibc
import MQTTWire
import RecordFormat
import SluiceBroker
import SluiceCore
import TopicRouting

/// Runs each piece of the publish path many times and prints nanoseconds and heap allocations per operation; fails when an operation
/// allocates more than `Thresholds` allows.
@main
struct Microbenchmarks {
    static func main() {
        let thresholds = Thresholds.load(CommandLine.arguments.dropFirst().first ?? "Thresholds")
        var failed = false
        var times: [String: Double] = [:]
        print("operation                              ns/op   allocations/op   allowed")
        for benchmark in Self.all {
            let result = benchmark.measure()
            let allowed = thresholds[benchmark.name]
            let isOver = allowed.map { result.allocations > $0 } ?? true
            times[benchmark.name] = result.nanoseconds
            let ratio = benchmark.bound.flatMap { bound in times[bound.of].map { result.nanoseconds / $0 } }
            let isSlow = benchmark.bound.map { bound in ratio.map { $0 > bound.ratio } ?? true } ?? false
            failed = failed || isOver || isSlow
            print(
                pad(benchmark.name, 36), pad(fixed(result.nanoseconds, 1), 8, right: true),
                pad(fixed(result.allocations, 3), 16, right: true),
                pad(allowed.map { fixed($0, 3) } ?? "none set", 9, right: true), isOver ? "  TOO MANY" : "",
                benchmark.bound.map { "  \(fixed(ratio ?? 0, 2)) of \($0.of), allowed \($0.ratio)" } ?? "",
                isSlow ? "  TOO SLOW" : "")
        }
        if failed { exit(1) }
    }

    static var all: [Benchmark] {
        [
            decode("decode/publish-qos0-16B", qos: .atMostOnce, payload: 16),
            decode("decode/publish-qos1-256B", qos: .atLeastOnce, payload: 256),
            route, batch("batch/build-100x16B-per-tick", count: 100, payload: 16),
            batch("batch/build-1x256B-per-tick", count: 1, payload: 256),
            publish("publish/cached-qos0-16B", qos: .atMostOnce, payload: 16, perTick: 1000),
            publish("publish/cached-qos1-256B", qos: .atLeastOnce, payload: 256, perTick: 200),
            publish("publish/one-per-tick-qos1-256B", qos: .atLeastOnce, payload: 256, perTick: 1),
            append, tailMatch("tail-match/no-subscriber", filter: "other/#"),
            tailMatch("tail-match/one-subscriber-qos0", filter: "sensors/+/dev7/temp"),
            subscribeBesideCrowd, deliverToCrowd,
        ] + access + payloads
    }

    static func pad(_ text: String, _ width: Int, right: Bool = false) -> String {
        let space = String(repeating: " ", count: max(0, width - text.count))
        return right ? space + text : text + space
    }

    static func fixed(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let rounded = (value * scale).rounded() / scale
        return "\(rounded)"
    }
}

/// One measured operation.
struct Benchmark {
    let name: String
    let operationsPerRun: Int
    /// The operation, measured before it in the same run, that it may take so many times as long as.
    var bound: (of: String, ratio: Double)?
    let makeRun: () -> () -> Void

    struct Result {
        var nanoseconds: Double
        var allocations: Double
    }

    /// The median time and the allocations of 30 runs after a warm-up of ten.
    func measure() -> Result {
        let run = makeRun()
        for _ in 0..<10 { run() }
        var times: [Double] = []
        let before = allocation_count()
        for _ in 0..<30 {
            let start = Self.now()
            run()
            times.append(Double(Self.now() - start))
        }
        let allocations = Double(allocation_count() - before) - 8  // the array of times grows
        times.sort()
        return Result(
            nanoseconds: times[times.count / 2] / Double(operationsPerRun),
            allocations: max(0, allocations) / Double(30 * operationsPerRun))
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// The allowed allocations, by operation.
enum Thresholds {
    static func load(_ path: String) -> [String: Double] {
        guard let file = fopen(path, "r") else {
            print("cannot read \(path)")
            exit(2)
        }
        defer { fclose(file) }
        var result: [String: Double] = [:]
        var line = [CChar](repeating: 0, count: 512)
        while fgets(&line, 512, file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            let words = text.split { $0 == " " || $0 == "\n" }
            if words.count == 2, !text.hasPrefix("#"), let allowed = Double(words[1]) {
                result[String(words[0])] = allowed
            }
        }
        return result
    }
}
