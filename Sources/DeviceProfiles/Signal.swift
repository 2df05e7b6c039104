/// How a field's values go in a simulation.
package struct Signal: Equatable, Sendable {
    /// The course without noise.
    package enum Course: Equatable, Sendable {
        /// Always the same.
        case constant(Double)
        /// `mean + amplitude * sin(2π t / period)`.
        case sine(mean: Double, amplitude: Double, period: Duration)
        /// Each value differs from the one before by up to `step`, within the field's range.
        case randomWalk(start: Double, step: Double)
        /// One after the other, each for so long.
        case step(values: [Double], every: Duration)
        /// One of these words.
        case words([String])
    }

    /// The course.
    package var course: Course
    /// The standard deviation of what is added to it.
    package var noise = 0.0
    /// The part of messages that come without the field, from 0 to 1.
    package var dropout = 0.0
    /// Digits behind the point.
    package var digits = 2

    /// A signal of this course.
    package init(_ course: Course) { self.course = course }
}

/// The values of a signal, one after the other; the same seed gives the same ones.
package struct SignalSource: Sendable {
    private let signal: Signal
    private let range: ClosedRange<Double>
    private var generator: SplitMix
    private var walked: Double
    /// What each device adds to the time, so that they do not all go together.
    private let phase: Double

    /// A value of a signal.
    package enum Value: Equatable, Sendable {
        /// The field is not there this time.
        case absent
        /// A number with so many digits behind the point.
        case number(Double, digits: Int)
        /// A word.
        case word(String)
    }

    /// The source of `signal`, which stays within `range`.
    package init(_ signal: Signal, within range: ClosedRange<Double>, seed: UInt64) {
        self.signal = signal
        self.range = range
        generator = SplitMix(seed)
        phase = generator.unit()
        if case .randomWalk(let start, _) = signal.course { walked = start } else { walked = 0 }
    }

    /// The value at a time.
    /// - Parameter seconds: since the simulation began.
    package mutating func next(at seconds: Double) -> Value {
        if signal.dropout > 0, generator.unit() < signal.dropout { return .absent }
        let value: Double
        switch signal.course {
        case .constant(let constant): value = constant
        case .sine(let mean, let amplitude, let period):
            value = mean + amplitude * Self.sine(seconds / (period / .seconds(1)) + phase)
        case .randomWalk(_, let step):
            walked = clamped(walked + step * (2 * generator.unit() - 1))
            value = walked
        case .step(let values, let every):
            let index = Int(seconds / (every / .seconds(1)) + phase * Double(values.count))
            value = values[index % values.count]
        case .words(let words): return .word(words[Int(generator.unit() * Double(words.count))])
        }
        return .number(clamped(value + signal.noise * generator.normal()), digits: signal.digits)
    }

    private func clamped(_ value: Double) -> Double { min(max(value, range.lowerBound), range.upperBound) }

    /// The sine of a full turn's part, by the parabola through its zeros and extremes with one correction; within
    /// 0.0011
    /// of it, which is enough for a sensor that does not exist.
    ///
    /// Source: Nick, "Fast and accurate sine/cosine", devmaster.net 2006. The standard library has no sine.
    static func sine(_ turns: Double) -> Double {
        let part = turns - turns.rounded(.down)
        let angle = part < 0.5 ? part * 2 : part * 2 - 2
        let coarse = 4 * angle * (1 - angle.magnitude)
        return coarse + 0.225 * (coarse * coarse.magnitude - coarse)
    }
}

/// Numbers that look random and are the same for the same seed.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
package struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// The numbers of `seed`.
    package init(_ seed: UInt64) { state = seed }

    /// The next 64 bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 to just below 1.
    package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number around 0 with a standard deviation of 1: the sum of twelve evenly distributed ones.
    package mutating func normal() -> Double {
        var sum = -6.0
        for _ in 0..<12 { sum += unit() }
        return sum
    }
}
