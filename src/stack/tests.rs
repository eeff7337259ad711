//! Is every promise of the stack file kept?
