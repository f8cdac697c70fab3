mod life;
mod projecting;
mod world;
