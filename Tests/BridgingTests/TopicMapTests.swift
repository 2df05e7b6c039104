import Bridging
import Testing
