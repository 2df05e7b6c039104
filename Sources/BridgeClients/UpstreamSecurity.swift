import Bridging
import Cryptography

extension UpstreamSecurity {
    /// The same as Cryptography wants it.
    var material: TLSClientMaterial {
        var material = TLSClientMaterial()
        material.authorities = authorities
        material.authoritiesPath = authoritiesPath
        material.certificateChain = certificateChain
        material.privateKey = privateKey
        material.leastVersion = requiresTLS13 ? .v13 : .v12
        material.pins = pins
        material.keyIdentity = keyIdentity
        material.key = key
        material.applicationProtocol = applicationProtocol
        return material
    }
}

extension TLSMaterialError.Part {
    /// What the setting is called.
    var title: String {
        switch self {
        case .certificateChain: "the bridge's certificate"
        case .privateKey: "the bridge's key"
        case .clientAuthorities: "the file of authorities"
        case .revocations: "the list of revocations"
        case .ciphers: "the ciphers"
        }
    }
}
