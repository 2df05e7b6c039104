import Glibc

/// `sluice import-mosquitto`.
enum ImportCommand {
    static let command = Command(
        name: "import-mosquitto", operands: ["FILE"], summary: "Convert a mosquitto.conf",
        notes: """
            The configuration goes to standard output, what it lacks to standard error, with line numbers. Listeners,
            persistence, limits and connections (bridges) are converted; users and access lists are not.
            """,
        example: "sluice import-mosquitto /etc/mosquitto/mosquitto.conf > sluice.yaml"
    ) { arguments in
        let path = arguments.operands[0]
        let bytes: [UInt8]
        do throws(FileText.Failure) { bytes = try FileText.read(path, byteCountMax: 4 << 20) } catch {
            throw CommandFailure("'\(path)' \(error.description)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandFailure("'\(path)' is not UTF-8")
        }
        var conversion = MosquittoImport(text)
        let (yaml, notes) = conversion.run()
        print(yaml, terminator: "")
        fflush(nil)
        for note in notes {
            FileBytes.write(Array("\(path):\(note.line): \(note.text)\n".utf8), to: STDERR_FILENO)
        }
        return ExitCode.success
    }
}
