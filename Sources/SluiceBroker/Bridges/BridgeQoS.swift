import Bridging
import MQTTWire

extension QoS {
    /// The same, of a bridge.
    init(_ qos: BridgeQoS) {
        self =
            switch qos {
            case .atMostOnce: .atMostOnce
            case .atLeastOnce: .atLeastOnce
            case .exactlyOnce: .exactlyOnce
            }
    }
}

extension BridgeQoS {
    /// The same, of MQTT.
    init(_ qos: QoS) {
        self =
            switch qos {
            case .atMostOnce: .atMostOnce
            case .atLeastOnce: .atLeastOnce
            case .exactlyOnce: .exactlyOnce
            }
    }
}
