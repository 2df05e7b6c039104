import Glibc
import SluiceConfiguration

@main
struct Sluice {
    static func main() {
        var configuration = Configuration()
        var readyFile: String?
        var arguments = CommandLine.arguments.dropFirst(2)
        while let flag = arguments.popFirst(), let value = arguments.popFirst() {
            switch flag {
            case "--data": configuration.dataDirectory = value
            case "--ready-file": readyFile = value
            case "--mqtt": configuration.listeners.mqtt = ListenAddress(value) ?? configuration.listeners.mqtt
            case "--loops": configuration.loopCount = Int(value) ?? 0
            case "--config":
                do { configuration = try Configuration.load(path: value) } catch {
                    print(error)
                    exit(2)
                }
            default: exit(2)
            }
        }
        do { try Node(configuration: configuration).run(readyFile: readyFile) } catch {
            print(error)
            exit(1)
        }
    }
}
