enum LogCommand {
    static let dump = Command(name: "log dump", summary: "x", example: "", run: { _ in 1 })
    static let verify = Command(name: "log verify", summary: "x", example: "", run: { _ in 1 })
}
enum BenchCommand {
    static let publish = Command(name: "bench pub", summary: "x", example: "", run: { _ in 1 })
    static let subscribe = Command(name: "bench sub", summary: "x", example: "", run: { _ in 1 })
}
