//! Requests that contradict themselves or name what does not exist.

use crate::hall::{seated, standing};
use crate::script::check;

#[test]
fn malformed_holds_are_refused_by_name() {
    check(
        seated(),
        "A hold => InvalidRequest(NoLines)
         A hold 0*1 0*1 0*1 0*1 0*1 0*1 0*1 0*1 0*1 0*1 0*1 0*1 0*1 0*1 0*1 0*1 0*1 => InvalidRequest(TooManyLines)
         A hold 0*0 => InvalidRequest(ZeroQuantity)
         A hold 1[] => InvalidRequest(ZeroQuantity)
         A hold 1~0 => InvalidRequest(ZeroQuantity)
         A hold 0*51 => InvalidRequest(TooManyUnits)
         A hold 0*30 0*30 => InvalidRequest(TooManyUnits)
         A hold 1~21 => InvalidRequest(TooManyUnits)
         A hold 1[2,2] => InvalidRequest(Duplicate)
         A hold 1[2] 1[2] => InvalidRequest(Duplicate)
         A hold 9*1 => InvalidRequest(UnknownTicketType)
         A hold 1[16] => InvalidRequest(UnknownSeat)
         A hold 1~2 section=1 => InvalidRequest(UnknownSection)
         A hold 1[8] => InvalidRequest(SeatOfAnotherCategory)
         A hold 0[1] => InvalidRequest(WrongKindOfLine)
         A hold 0~1 => InvalidRequest(WrongKindOfLine)
         A hold 1*1 => InvalidRequest(WrongKindOfLine)
         A hold ?*1 => InvalidRequest(WrongKindOfLine)
         A hold 0*1 ms=59999 => InvalidRequest(DurationOutOfRange)
         A hold 0*1 ms=600001 => InvalidRequest(DurationOutOfRange)
         A hold 2~2 accessible=3 => InvalidRequest(TooManyCompanions)
         A hold 2~3 accessible=1 => InvalidRequest(TooManyCompanions)
         A hold 0*1 with=B,C,D,E => InvalidRequest(TooManySubjects)
         A hold 0*1 with=A => InvalidRequest(Duplicate)
         A hold 0*1 with=B,B => InvalidRequest(Duplicate)",
    );
}

#[test]
fn too_many_subjects_at_the_till_are_refused() {
    check(
        standing(),
        "A hold 0*1 with=B,C
         A pay 3 with=D,E => InvalidRequest(TooManySubjects)
         A pay 3 with=D,E,F,G => InvalidRequest(TooManySubjects)
         A pay 3 with=B,D,D,A => InvalidRequest(TooManySubjects)
         A pay 3 with=B,D,A",
    );
}

#[test]
fn malformed_kills_and_channels_are_refused_by_name() {
    check(
        seated(),
        "org kill 3*1 => InvalidRequest(UnknownPool)
         org kill 0*0 => InvalidRequest(ZeroQuantity)
         org kill 0*11 => InvalidRequest(TooManyUnits)
         org kill [] => InvalidRequest(ZeroQuantity)
         org kill [16] => InvalidRequest(UnknownSeat)
         org kill [1,1] => InvalidRequest(Duplicate)
         org restore 3*1 => InvalidRequest(UnknownPool)
         org restore [16] => InvalidRequest(UnknownSeat)
         org channel 0 => InvalidRequest(UnknownChannel)
         org phase Draft => InvalidRequest(NoSuchPhaseChange)",
    );
}
